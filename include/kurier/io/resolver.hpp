// Looks up names of hosts for one connection: by the operating system (io/system_resolver.hpp) unless the engine is given
// another one. Handlers run on the executor, later, never inside the call; a call that throws has started nothing.
#pragma once

#include <kurier/error.hpp>

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::io {

class resolver
{
public:
    using addresses_handler = std::function<void(error_code, const std::vector<boost::asio::ip::address>&)>;

    resolver() = default;
    resolver(const resolver&) = delete;
    resolver& operator=(const resolver&) = delete;
    virtual ~resolver() = default;

    // All addresses of a host, in the order in which they should be tried.
    virtual void look_up(const std::string& host, addresses_handler done) = 0;

    // What is under way ends, with an error.
    virtual void cancel() noexcept = 0;
};

} // namespace kurier::inline KURIER_ABI::io
