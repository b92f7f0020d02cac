#pragma once

#include <kurier/sasl/mechanism.hpp>

#include <string>
#include <string_view>

namespace kurier::tests {

inline secret_bytes password(std::string_view text)
{
    return secret_bytes{text};
}

template <class Login> std::string message_of(const Login& login)
{
    return std::string{as_text(login.message())};
}

template <class Login> sasl::progress answer(Login& login, std::string_view challenge)
{
    return login.step(as_bytes(challenge));
}

// Until there is something else to do than to compute.
template <class Login> sasl::progress computed(Login& login, sasl::progress now)
{
    while (now == sasl::progress::compute) now = login.proceed();
    return now;
}

} // namespace kurier::tests
