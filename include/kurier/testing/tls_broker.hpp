// Has an embedded broker speak TLS; needs OpenSSL 3 (component kurier::tls).
//
//     asio::ssl::context context{asio::ssl::context::tls_server};
//     context.use_certificate_chain_file("broker.pem");
//     context.use_private_key_file("broker.key", asio::ssl::context::pem);
//     kurier::testing::embedded_broker broker{executor};
//     kurier::testing::serve_tls(broker, std::move(context));
//
// For mutual TLS, set the context's verify mode.
#pragma once

#include <kurier/testing/embedded_broker.hpp>
#include <kurier/tls/session.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

// The server's side of TLS, for one connection.
class tls_filter final : public connection_filter
{
public:
    explicit tls_filter(std::shared_ptr<boost::asio::ssl::context> context)
        : context_{std::move(context)}, session_{context_->native_handle(), openssl::session::side::server}
    {}

    bool receive(bytes_view raw, std::vector<std::byte>& plain, std::vector<std::byte>& reply) override
    {
        const auto said = reply.size();
        bool goes_on = true;
        while (goes_on && !raw.empty()) {
            const auto space = session_.input_space();
            const auto size = std::min(raw.size(), space.size());
            std::copy_n(raw.begin(), size, space.begin());
            session_.received(size);
            raw = raw.subspan(size);
            goes_on = advance(plain);
            take_output(reply);
        }
        // To bytes that aren't TLS OpenSSL says nothing. Brokers do: fatal, internal error.
        constexpr unsigned char alert[] = {21, 3, 3, 0, 2, 2, 80};
        const auto as_brokers_do = std::as_bytes(std::span{alert});
        if (!goes_on && reply.size() == said && !session_.established())
            reply.insert(reply.end(), as_brokers_do.begin(), as_brokers_do.end());
        return goes_on;
    }

    void send(bytes_view plain, std::vector<std::byte>& raw) override
    {
        constexpr auto at_once = openssl::record_max * openssl::records_at_once;
        while (!plain.empty()) {
            const auto size = std::min(plain.size(), at_once);
            if (!session_.seal(std::array{boost::asio::const_buffer{plain.data(), size}})) return;
            plain = plain.subspan(size);
            take_output(raw);
        }
    }

    void end(std::vector<std::byte>& raw) override
    {
        session_.close();
        take_output(raw);
    }

private:
    bool advance(std::vector<std::byte>& plain)
    {
        if (!session_.established()) {
            const auto result = session_.handshake();
            if (result != openssl::outcome::done) return result == openssl::outcome::starved;
        }
        for (;;) {
            const auto before = plain.size();
            plain.resize(before + openssl::record_max);
            std::size_t size = 0;
            const auto result = session_.read(std::span{plain}.subspan(before), size);
            plain.resize(before + size);
            if (result != openssl::outcome::done) return result == openssl::outcome::starved;
        }
    }

    void take_output(std::vector<std::byte>& to)
    {
        const auto output = session_.output();
        to.insert(to.end(), output.begin(), output.end());
        session_.written(output.size());
    }

    std::shared_ptr<boost::asio::ssl::context> context_;
    openssl::session session_;
};

// For connections that are accepted from now on.
inline void serve_tls(embedded_broker& broker, boost::asio::ssl::context context)
{
    broker.filter_by([context = std::make_shared<boost::asio::ssl::context>(std::move(context))] {
        return std::make_unique<tls_filter>(context);
    });
}

} // namespace kurier::inline KURIER_ABI::testing
