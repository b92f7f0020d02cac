// The bodies of io/driver.hpp: each call goes on to the event loop or to its core.
#pragma once

#include <kurier/config/validation.hpp>
#include <kurier/core/dump.hpp>
#include <kurier/core/explain.hpp>
#include <kurier/io/impl/event_loop.ipp>

#include <random>

namespace kurier::io {

inline event_loop& driver::loop() noexcept
{
    return static_cast<event_loop&>(*this);
}
inline const event_loop& driver::loop() const noexcept
{
    return static_cast<const event_loop&>(*this);
}

KURIER_DECL const producer_config& driver::config() const noexcept
{
    return loop().core().config();
}
KURIER_DECL core::topic_state& driver::use_topic(std::string_view name, core::instant now)
{
    return loop().core().use_topic(name, now);
}
KURIER_DECL core::sent driver::send_slowly(core::outgoing what, core::instant now)
{
    return loop().core().send_slowly(std::move(what), now);
}
KURIER_DECL bool driver::withdraw(core::batch& where, std::uint32_t index)
{
    return loop().core().withdraw(where, index);
}
KURIER_DECL void driver::withdraw(core::waiting_record& waiting)
{
    loop().core().withdraw(waiting);
}
KURIER_DECL void driver::drop_last(core::batch& where)
{
    loop().core().release(where);
}
KURIER_DECL void driver::drop(core::waiting_record& waiting)
{
    loop().core().drop(waiting);
}
KURIER_DECL std::uint64_t driver::flush()
{
    return loop().core().flush();
}
KURIER_DECL bool driver::flushed(std::uint64_t epoch) const noexcept
{
    return loop().core().flushed(epoch);
}
KURIER_DECL void driver::close(core::nanoseconds deadline)
{
    closing_ = true;
    loop().core().close(deadline);
    wake();
}
KURIER_DECL bool driver::ended(error_code& outcome) const noexcept
{
    const auto& core = loop().core();
    if (core.ended()) outcome = core.close_outcome();
    return core.ended();
}
KURIER_DECL bool driver::has_room() const noexcept
{
    return loop().core().has_room();
}
KURIER_DECL codec_status driver::compression_of(std::string_view topic) const
{
    return loop().core().compression_of(topic);
}
KURIER_DECL producer_metrics driver::metrics() const
{
    auto told = loop().core().metrics();
    told.records_refused = refusals_;
    return told;
}
KURIER_DECL std::string driver::dump() const
{
    return core::dump(loop().core(), {std::chrono::steady_clock::now().time_since_epoch(), 0});
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
    made->log({log_level::debug, "engine.started", "random choices (partitions, brokers, backoff) follow from this seed", fields, {}});
    return made;
}

KURIER_DECL config_problems check_config(const producer_config& config)
{
    return validate(config);
}

} // namespace kurier::io
