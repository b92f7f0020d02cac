// The operating system's resolver, which blocks: Asio calls it on a thread of its own.
#pragma once

#include <kurier/io/resolver.hpp>
#include <kurier/io/thrown_error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>
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

    // Addresses have names of their own in the DNS; one without is called by its digits, as in Java.
    void look_up_canonical(const std::string& host, names_handler done) override
    {
        look_up(host, [this, names = std::make_shared<naming>(naming{std::move(done), {}, 0})](
                          error_code ec, const std::vector<boost::asio::ip::address>& found) {
            try {
                for (const auto& address : found) names->all.push_back({address, {}});
            } catch (...) {
                ec = thrown_error();
            }
            name_next(names, ec);
        });
    }

    void cancel() noexcept override { resolver_.cancel(); }

private:
    struct naming
    {
        names_handler done;
        std::vector<named_address> all;
        std::size_t named = 0;
    };

    // `done` is called outside of any try: what it throws is the user's, and it may destroy this object.
    void name_next(const std::shared_ptr<naming>& names, error_code ec)
    {
        if (!ec && names->named < names->all.size()) try {
                return ask_for_name(names);
            } catch (...) {
                ec = thrown_error();
            }
        names->done(ec, names->all);
    }

    void ask_for_name(const std::shared_ptr<naming>& names)
    {
        const tcp::endpoint asked{names->all[names->named].address, 0};
        resolver_.async_resolve(
            asked, [this, names](error_code ec, const tcp::resolver::results_type& found) {
                const bool cancelled = ec == boost::asio::error::operation_aborted;
                try {
                    auto& one = names->all[names->named++];
                    one.name = ec || found.empty() ? one.address.to_string() : found.begin()->host_name();
                    if (!cancelled) ec = {};
                } catch (...) {
                    ec = thrown_error();
                }
                name_next(names, ec);
            });
    }

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
