// "host:port" as in bootstrap.servers, by the rules of Kafka's Java clients: IPv6 addresses in brackets, and
// a listener's name in front ("PLAINTEXT://host:9092") is passed over. A trailing dot of a host name stays.
#pragma once

#include <kurier/config.hpp>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI {

struct server_address
{
    server_address() = default;
    server_address(std::string_view name, std::uint16_t number) : host{name}, port{number} {}

    std::string host; // without brackets
    std::uint16_t port = 0;

    friend bool operator==(const server_address&, const server_address&) = default;
};

inline std::string to_string(const server_address& address)
{
    const bool v6 = address.host.find(':') != std::string::npos;
    return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

namespace detail {

constexpr bool is_alphanumeric(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// nullptr, or what is wrong with the host, v6 telling whether it stood in brackets.
constexpr const char* why_not_a_host(std::string_view host, bool v6) noexcept
{
    if (host.empty()) return "has no host before the port; write host:9092";
    if (host.size() > 255) return "has a host name of more than 255 characters";
    for (const char c : host) {
        const bool fits =
            is_alphanumeric(c) || c == '.' || c == '-' || c == '_' || (v6 && (c == ':' || c == '%'));
        if (c == ':' && !v6) return "has several colons; write an IPv6 address in brackets, [::1]:9092";
        if (!fits) return "has a character that a host name can't have";
    }
    if (v6 && host.find(':') == std::string_view::npos)
        return "has brackets around something other than IPv6";
    return nullptr;
}

// Takes "PLAINTEXT://" off; other schemes are mistakes that name themselves.
constexpr const char* strip_scheme(std::string_view& text) noexcept
{
    const auto end = text.find("://");
    if (end == std::string_view::npos) return nullptr;
    const auto scheme = text.substr(0, end);
    text.remove_prefix(end + 3);
    if (scheme == "PLAINTEXT") return nullptr;
    if (scheme == "http" || scheme == "https")
        return "is a URL; write host:port only, Kafka does not speak HTTP";
    if (scheme == "SSL" || scheme == "SASL_SSL" || scheme == "SASL_PLAINTEXT") {
        return "begins with a scheme; write host:port only, and the scheme as security.protocol";
    }
    return "begins with a scheme; write host:port only";
}

} // namespace detail

// Returns nullptr and fills the address, or says what is wrong, to be put behind the text itself.
inline const char* parse_server_address(std::string_view text, server_address& address)
{
    if (text.empty()) return "is empty; remove the superfluous comma";
    if (text.find_first_of("\"'") != std::string_view::npos)
        return "has quotes; write host:port without them";
    if (text.find_first_of(" ;\t") != std::string_view::npos)
        return "is not host:port; separate servers by commas";
    if (const char* reason = detail::strip_scheme(text)) return reason;
    bool v6 = false;
    std::string_view host;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return "has '[' without ']'";
        host = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        v6 = true;
        if (!text.starts_with(':')) return "has no port; append :9092";
    } else {
        const auto colon = text.rfind(':');
        if (colon == std::string_view::npos) return "has no port; append :9092";
        host = text.substr(0, colon);
        text.remove_prefix(colon);
    }
    if (const char* reason = detail::why_not_a_host(host, v6)) return reason;
    const auto digits = text.substr(1);
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (digits.empty()) return "has no port after the colon; append 9092";
    if (end != digits.data() + digits.size() || digits.front() == '-')
        return "has a port that isn't a number";
    if (error != std::errc{} || port < 1 || port > 65535) return "has a port outside 1 to 65535";
    address = {host, static_cast<std::uint16_t>(port)};
    return nullptr;
}

} // namespace kurier::inline KURIER_ABI
