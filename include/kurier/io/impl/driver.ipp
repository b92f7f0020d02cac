// The bodies of io/driver.hpp.
#pragma once

#include <kurier/config/validation.hpp>
#include <kurier/core/explain.hpp>
#include <kurier/io/impl/event_loop.ipp>

#include <random>

namespace kurier::inline KURIER_ABI::io {

KURIER_DECL bool driver::begins_batch(const core::topic_state& topic, std::int32_t partition,
                                      const core::record_bytes& record, core::instant now) noexcept
{
    const auto index = static_cast<std::size_t>(partition);
    return index < topic.partitions.size() &&
           core::accumulator::begins_batch(topic.partitions[index], record, now);
}
KURIER_DECL std::size_t driver::size_alone(const core::record_bytes& record) noexcept
{
    return core::accumulator::size_alone(record);
}

KURIER_DECL std::shared_ptr<const delivery_failure> driver::explain(const core::batch& where,
                                                                    std::uint32_t index)
{
    return core::explain(where, index);
}
KURIER_DECL std::shared_ptr<const delivery_failure> driver::explain(const core::waiting_record& refused)
{
    return core::explain(refused);
}

KURIER_DECL boost::intrusive_ptr<driver> make_driver(asio::any_io_executor executor,
                                                     const producer_config& config, surroundings around)
{
    std::random_device device;
    const auto seed = (std::uint64_t{device()} << 32) | device();
    boost::intrusive_ptr<driver> made{
        new event_loop{std::move(executor), resolved(config), seed, std::move(around)}};
    const auto digits = std::to_string(seed);
    const log_field fields[] = {{"seed", std::string_view{digits}}};
    made->log({log_level::debug,
               "engine.started",
               "random choices (partitions, brokers, backoff) follow from this seed",
               fields,
               {}});
    return made;
}

KURIER_DECL config_problems check_config(const producer_config& config)
{
    return validate(config);
}

} // namespace kurier::inline KURIER_ABI::io
