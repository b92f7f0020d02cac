// Implemented by the producer as a whole (producer_core.hpp).
#pragma once

#include <kurier/core/net/connection.hpp>
#include <kurier/error.hpp>
#include <kurier/instant.hpp>

#include <string_view>

namespace kurier::inline KURIER_ABI::core {

// Told when a connection is opened, when it becomes usable, and when it ends.
class connection_listener
{
public:
    virtual void on_opening(const broker_node&) noexcept {}
    virtual void on_ready(connection& opened, instant now) = 0; // may close it, if it is useless
    virtual void
    on_worked(connection& conn) = 0; // a request got its response, or was written if it expects none
    virtual void on_silent(connection&, instant) {} // see silence.hpp; told once, until it speaks again
    virtual void on_ended(connection& over, error_code why, instant now) = 0;
    virtual std::string_view cluster_id() const noexcept = 0; // for brokers to confirm; empty: unknown

protected:
    ~connection_listener() = default;
};

} // namespace kurier::inline KURIER_ABI::core
