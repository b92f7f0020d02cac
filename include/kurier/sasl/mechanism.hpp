// What a SASL mechanism is: it begins logins, and a login says what to send and judges what comes back. No I/O, no clock;
// what needs randomness is given it. A mechanism of one's own is one class like those in this folder; Kafka carries its
// messages as they are (KIP-152), one answer to each.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/secret.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::sasl {

// What is next in a login.
enum class progress : std::uint8_t {
    send,    // message() goes to the broker, and its answer to step()
    compute, // a slice of a long computation is done; proceed() does the next one, so that others get their turn
    done,    // the broker has shown all that it had to
    fail,    // problem() says why
};

template <class L>
concept login = requires(L& login, const L& told, secret_bytes credential, bytes_view challenge) {
    { login.start(std::move(credential)) } -> std::same_as<progress>; // a password, a token
    {
        login.step(challenge)
    } -> std::same_as<progress>; // also for the answer to the last message, often empty
    { told.message() } -> std::convertible_to<bytes_view>;
    { told.problem() } -> std::convertible_to<std::string_view>; // in words, without anything secret
};

// Optional in a login: `progress proceed()`, for `compute`. Optional in a mechanism: `std::string_view refusal_hint()
// const`, what may be behind a refusal that the broker doesn't explain.
template <class M>
concept mechanism = requires(M& mechanism, const M& told) {
    { told.name() } -> std::convertible_to<std::string_view>;
    { mechanism.begin() } -> login;
};

// Fills the bytes from a source fit for nonces. False: there is none.
using random_bytes = bool (*)(std::span<std::byte>);

} // namespace kurier::inline KURIER_ABI::sasl
