// Well-formed responses that say strange things: lists in any order, entries that are missing, errors at levels where hardly
// anybody looks, odd values in any field. One of them is ordered at a time, for the next response that can show it. Values
// that only the broker can know (offsets, whether a batch was appended) stay true.
#pragma once

#include <kurier/testing/cluster_model.hpp>
#include <kurier/testing/odd_fields.hpp>
#include <kurier/testing/simulation/dice.hpp>
#include <kurier/testing/simulation/fault_kind.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class response_chaos
{
public:
    // `hash_order`: brokers list everything in an order of its own each time, as Kafka's do.
    response_chaos(cluster_model& cluster, dice random, bool hash_order)
        : cluster_{cluster}, random_{random}, hash_order_{hash_order}
    {
        install();
    }

    void order(fault_kind kind)
    {
        ordered_ = kind;
        odd_api_ = random_.below(4);
    }
    bool pending() const noexcept { return ordered_.has_value(); }

    // Order is no fault. The cluster's editors were cleared.
    void heal()
    {
        ordered_.reset();
        install();
    }

    static broker_errc any_error(dice& random)
    {
        broker_errc error;
        do error = static_cast<broker_errc>(random.between(-1, 135));
        while (error == broker_errc::none || error == broker_errc::duplicate_sequence_number);
        return error;
    }

private:
    void install()
    {
        using namespace protocol;
        cluster_.edit<metadata_response>([this](broker_id, metadata_response& told) { edit(told); });
        cluster_.edit<produce_response>([this](broker_id, produce_response& told) { edit(told); });
        cluster_.edit<init_producer_id_response>(
            [this](broker_id, init_producer_id_response& told) { make_odd(told, 2); });
        cluster_.edit<api_versions_response>(
            [this](broker_id, api_versions_response& told) { make_odd(told, 3); });
    }

    void edit(protocol::metadata_response& told)
    {
        if (hash_order_) {
            shuffle(told.brokers);
            shuffle(told.topics);
            for (auto& topic : told.topics) shuffle(topic.partitions);
        }
        if (!ordered_ || told.topics.empty()) return;
        auto& topic = told.topics[random_.below(told.topics.size())];
        switch (*ordered_) {
        case fault_kind::empty_metadata: // a broker that has just started knows nobody yet
            told.brokers.clear();
            for (auto& emptied : told.topics) {
                emptied.partitions.clear();
                emptied.error_code = code_of(broker_errc::leader_not_available);
            }
            return ordered_.reset();
        case fault_kind::metadata_entry_missing:
            switch (random_.below(3)) {
            case 0:
                drop_one(told.brokers);
                break;
            case 1:
                drop_one(told.topics);
                break;
            default:
                drop_one(topic.partitions);
            }
            return ordered_.reset();
        case fault_kind::metadata_error_inside:
            switch (random_.below(3)) {
            case 0:
                told.error_code = code_of(any_error(random_)); // as of v13
                break;
            case 1:
                topic.error_code = code_of(any_error(random_)); // although its partitions are there
                break;
            default:
                for (auto& partition : topic.partitions)
                    if (random_.once_in(2)) partition.error_code = code_of(any_error(random_));
            }
            return ordered_.reset();
        default:
            make_odd(told, 0);
        }
    }

    void edit(protocol::produce_response& told)
    {
        if (hash_order_) {
            shuffle(told.responses);
            for (auto& topic : told.responses) shuffle(topic.partition_responses);
            shuffle(told.node_endpoints);
        }
        make_odd(told, 1);
    }

    template <class Response> void make_odd(Response& told, std::uint64_t api)
    {
        if (ordered_ != fault_kind::odd_response || odd_api_ != api) return;
        static const std::vector<odd_field> all = harmless<Response>();
        put(all[random_.below(all.size())], told);
        ordered_.reset();
    }

    template <class Response> static std::vector<odd_field> harmless()
    {
        auto all = odd_fields<Response>();
        std::erase_if(all, [](const odd_field& odd) { return is_lie<Response>(odd); });
        return all;
    }

    // What a producer has to believe: that a batch was appended and where, which versions may be used, that an id is its
    // own, and that it has to be quiet for weeks.
    template <class Response> static bool is_lie(const odd_field& odd)
    {
        using namespace protocol;
        const std::string_view field = odd.field;
        if (field == "throttle_time_ms") return odd.value == "largest";
        if constexpr (std::is_same_v<Response, produce_response>) {
            static constexpr std::array<std::string_view, 5> truths{
                "responses.partition_responses.index", "responses.partition_responses.error_code",
                "responses.partition_responses.base_offset",
                "responses.partition_responses.log_append_time_ms",
                "responses.partition_responses.log_start_offset"};
            return std::ranges::find(truths, field) != truths.end() ||
                   (field == "responses.partition_responses" && odd.value.ends_with("more"));
        }
        if constexpr (std::is_same_v<Response, api_versions_response>) return field.starts_with("api_keys");
        if constexpr (std::is_same_v<Response, init_producer_id_response>)
            return field == "producer_id" && odd.value != "-1" && odd.value != "smallest"; // given twice
        return false;
    }

    template <class T> void shuffle(std::vector<T>& list)
    {
        for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random_.below(i)]);
    }
    template <class T> void drop_one(std::vector<T>& list)
    {
        if (!list.empty()) list.erase(list.begin() + static_cast<std::ptrdiff_t>(random_.below(list.size())));
    }

    cluster_model& cluster_;
    dice random_;
    bool hash_order_;
    std::optional<fault_kind> ordered_;
    std::uint64_t odd_api_ = 0; // 0 .. 3: Metadata, Produce, InitProducerId, ApiVersions
};

} // namespace kurier::inline KURIER_ABI::testing
