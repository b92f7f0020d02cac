// Where credentials come from. The event loop asks for each login, on behalf of the core.
#pragma once

#include <kurier/core/net/authentication.hpp>
#include <kurier/error.hpp>
#include <kurier/secret.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <string>

namespace kurier::inline KURIER_ABI::io {

namespace asio = boost::asio;

struct credential
{
    secret_bytes bytes;
    error_code why;    // there is none
    std::string words; // why, without anything secret
};

using credential_handler = std::function<void(credential)>;

class credential_source
{
public:
    virtual ~credential_source() = default;

    // Calls `done` on the executor, later: not inside this call. Throws if it has begun nothing.
    virtual void obtain(const asio::any_io_executor& executor, credential_handler done) = 0;

    // A broker has rejected the last credential.
    virtual void refused() noexcept {}
    // The executor's context is gone, and with it whoever was waiting.
    virtual void abandon() noexcept {}
};

// How connections log in; empty: they don't.
struct login
{
    std::shared_ptr<core::authentication> mechanism;
    std::shared_ptr<credential_source> credentials;
};

} // namespace kurier::inline KURIER_ABI::io
