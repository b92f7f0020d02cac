// Ways to log in: a mechanism and the source of its credential.
#pragma once

#include <kurier/core/net/sasl.hpp>
#include <kurier/io/credential_source.hpp>
#include <kurier/secret.hpp>

#include <boost/asio/post.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

// Reads the secret afresh for each login.
class secret_source final : public credential_source
{
public:
    explicit secret_source(secret from) : from_{std::move(from)} {}

    void obtain(const asio::any_io_executor& executor, credential_handler done) override
    {
        asio::post(executor, [from = from_, done = std::move(done)] { done(read(from)); });
    }

private:
    static credential read(const secret& from)
    {
        credential got;
        try {
            got.bytes = from.read();
        } catch (const std::exception& failed) {
            got.why = errc::credential_unavailable;
            got.words = std::string{"the password can't be had: "} + failed.what();
        } catch (...) { // a user's callback may throw anything
            got.why = errc::credential_unavailable;
        }
        return got;
    }

    secret from_;
};

template <sasl::mechanism Mechanism> login login_with(Mechanism mechanism, secret password)
{
    return {std::make_shared<core::sasl_authentication<Mechanism>>(std::move(mechanism)),
            std::make_shared<secret_source>(std::move(password))};
}

} // namespace kurier::inline KURIER_ABI::io
