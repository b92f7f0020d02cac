// Looks up names of hosts for one connection: by the operating system (io/system_resolver.hpp) unless the engine is given
// another one. Handlers run on the executor, later, never inside the call; a call that throws has started nothing.
#pragma once

#include <kurier/error.hpp>
#include <kurier/io/thrown_error.hpp>

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <string>
#include <utility>
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

    struct named_address
    {
        boost::asio::ip::address address;
        std::string name;
    };
    using names_handler = std::function<void(error_code, const std::vector<named_address>&)>;

    // The same, each with the name that its host goes by (client.dns.lookup): of a round-robin alias the names behind it.
    // A resolver that can't tell gives the name that was looked up.
    virtual void look_up_canonical(const std::string& host, names_handler done)
    {
        look_up(host, [host, done = std::move(done)](error_code ec,
                                                     const std::vector<boost::asio::ip::address>& found) {
            std::vector<named_address> named;
            try {
                for (const auto& address : found) named.push_back({address, host});
            } catch (...) {
                ec = thrown_error();
            }
            done(ec, named);
        });
    }

    // What is under way ends, with an error.
    virtual void cancel() noexcept = 0;
};

} // namespace kurier::inline KURIER_ABI::io
