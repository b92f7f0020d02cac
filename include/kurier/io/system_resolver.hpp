// Asks the operating system. Asio does that on a thread of its own, because the system's function blocks.
#pragma once

#include <kurier/io/resolver.hpp>
#include <kurier/io/thrown_error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::io {

class system_resolver final : public resolver
{
    using tcp = boost::asio::ip::tcp;

public:
    explicit system_resolver(const boost::asio::any_io_executor& executor) : resolver_{executor} {}

    void look_up(const std::string& host, addresses_handler done) override
    {
        resolver_.async_resolve(
            host, "", [done = std::move(done)](error_code ec, const tcp::resolver::results_type& found) {
                const auto addresses = addresses_of(found, ec);
                done(ec, addresses);
            });
    }

    void cancel() noexcept override { resolver_.cancel(); }

private:
    static std::vector<boost::asio::ip::address> addresses_of(const tcp::resolver::results_type& found,
                                                              error_code& ec)
    {
        std::vector<boost::asio::ip::address> addresses;
        try {
            for (const auto& one : found) addresses.push_back(one.endpoint().address());
        } catch (...) {
            ec = thrown_error();
        }
        return addresses;
    }

    tcp::resolver resolver_;
};

} // namespace kurier::inline KURIER_ABI::io
