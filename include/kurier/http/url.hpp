// http:// and https:// addresses of services, taken apart.
#pragma once

#include <kurier/config.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::http {

struct url
{
    bool secure = true;
    std::string host;   // without the brackets of an IPv6 address
    std::string port;   // a number
    std::string target; // "/path?query"

    // "host:8081", as a Host header has it: without the port that goes without saying
    std::string authority() const
    {
        const bool six = host.find(':') != std::string::npos;
        auto name = six ? '[' + host + ']' : host;
        return port == (secure ? "443" : "80") ? name : name + ':' + port;
    }
    std::string origin() const { return (secure ? "https://" : "http://") + authority(); }
};

namespace detail {

inline bool is_port(std::string_view text)
{
    const bool digits = !text.empty() && text.size() <= 5 &&
                        std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return false;
    const int number = std::stoi(std::string{text});
    return number > 0 && number < 65536;
}

// Takes the authority apart; false: it isn't one.
inline bool split_authority(std::string_view text, url& into)
{
    std::string_view host = text.substr(0, text.find(':')), rest = text.substr(host.size());
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return false;
        host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
    }
    into.host = host;
    into.port = into.secure ? "443" : "80";
    if (host.empty() || host.find_first_of("[]") != std::string_view::npos) return false;
    if (rest.empty()) return true;
    into.port = rest.substr(1);
    return rest.front() == ':' && is_port(into.port);
}

} // namespace detail

// Nothing: `problem` says why, behind the setting's name. A user and password in it are refused: it appears in texts.
inline std::optional<url> parse_url(std::string_view text, std::string& problem)
{
    const auto refused = [&](const char* why) {
        problem = why;
        return std::nullopt;
    };
    url made;
    if (text.starts_with("http://"))
        made.secure = false;
    else if (!text.starts_with("https://"))
        return refused("is no address that begins with https:// or http://");
    text.remove_prefix(made.secure ? 8 : 7);
    const auto printable = [](char c) {
        return c > ' ' && c < '\x7f' && c != '"' && c != '<' && c != '>' && c != '\\';
    };
    if (!std::ranges::all_of(text, printable))
        return refused("has a character that an address can't have; write it percent-encoded");
    if (text.find('#') != std::string_view::npos)
        return refused("has a fragment (#), which no server is sent");
    const auto authority = text.substr(0, text.find_first_of("/?"));
    if (authority.find('@') != std::string_view::npos)
        return refused("has a user in it; set user and password where they aren't shown");
    if (!detail::split_authority(authority, made)) return refused("has no host and port that can be read");
    made.target = text.substr(authority.size());
    if (!made.target.starts_with('/')) made.target.insert(0, "/");
    return made;
}

} // namespace kurier::inline KURIER_ABI::http
