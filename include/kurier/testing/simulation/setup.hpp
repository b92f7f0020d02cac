// What a simulation's parts are made of, by its options.
#pragma once

#include <kurier/testing/cluster_model.hpp>
#include <kurier/testing/simulation/options.hpp>
#include <kurier/testing/simulation/run_length_codec.hpp>
#include <kurier/testing/simulation/simulated_network.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing::setup {

inline simulated_network::manners manners_of(const simulation_options& options)
{
    return {.request_timeout = options.producer.request_timeout};
}

inline cluster_options with_codec(cluster_options options)
{
    options.decompress = [codec = run_length_codec::decompressor{}](int id, bytes_view in, std::size_t most,
                                                                    std::vector<std::byte>& out) mutable {
        return id == static_cast<int>(run_length_codec::id) &&
               codec.decompress(in, most, out) == compression_error::none;
    };
    return options;
}

inline std::vector<std::string> names_of(const simulation_options& options)
{
    std::vector<std::string> names;
    names.reserve(options.topics.size());
    for (const auto& topic : options.topics) names.push_back(topic.name);
    return names;
}

inline cluster_model& prepared(cluster_model& cluster, const simulation_options& options)
{
    for (broker_id id = 1; id <= options.cluster.brokers; ++id) cluster.set_versions(id, options.versions);
    for (const auto& topic : options.topics) cluster.create_topic(topic.name, topic.options);
    return cluster;
}

} // namespace kurier::inline KURIER_ABI::testing::setup
