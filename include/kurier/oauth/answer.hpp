// What an identity provider answered: a token, or why not, and whether it is worth asking again.
#pragma once

#include <kurier/http/wiped_text.hpp>
#include <kurier/wire/escape.hpp>

#include <boost/interprocess/streams/bufferstream.hpp>
#include <boost/property_tree/json_parser.hpp>
#include <boost/property_tree/ptree.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::oauth {

struct token_answer
{
    http::wiped_text token; // empty: `problem` says why
    std::chrono::seconds expires_in{};
    std::string problem;
    bool worth_retrying = false;
};

namespace detail {

// Memory of its own kind throughout, so that no value stays behind in freed memory.
using json = boost::property_tree::basic_ptree<http::wiped_text, http::wiped_text>;

constexpr int json_depth_max = 32;

// The parser goes down one call for each level.
inline bool is_too_deep(std::string_view text)
{
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '\\') {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '{' || c == '[')) {
            if (++depth > json_depth_max) return true;
        } else if (!quoted && (c == '}' || c == ']')) {
            --depth;
        }
    }
    return false;
}

inline std::optional<json> parse_json(std::string_view text)
{
    if (is_too_deep(text)) return std::nullopt;
    json made;
    boost::interprocess::ibufferstream in{text.data(), text.size()};
    try {
        boost::property_tree::read_json(in, made);
    } catch (const boost::property_tree::json_parser_error&) { // its text may quote what it read
        return std::nullopt;
    }
    return made;
}

inline std::string_view field(const json& object, const char* name)
{
    const auto found = object.find(name);
    return found == object.not_found() ? std::string_view{} : std::string_view{found->second.data()};
}

// 408, 425, 429 and the server's own faults pass; the rest is about the request.
inline bool passes(unsigned status)
{
    return status == 408 || status == 425 || status == 429 ||
           (status >= 500 && status != 501 && status != 505);
}

inline std::string explain_refusal(unsigned status, const std::optional<json>& answer)
{
    auto text = "answers with HTTP status " + std::to_string(status);
    if (status >= 300 && status < 400)
        return text + ", a redirect, which is not followed; set sasl.oauthbearer.token.endpoint.url to where "
                      "it leads";
    if (!answer) return text;
    const auto error = field(*answer, "error"), words = field(*answer, "error_description");
    if (!error.empty()) text += ", " + wire::escape(error, 80);
    if (!words.empty()) text += " (" + wire::escape(words, 200) + ')';
    if (error == "invalid_client" || status == 401) text += "; check the client's id and secret";
    if (error == "invalid_scope") text += "; check sasl.oauthbearer.scope";
    if (error == "unauthorized_client" || error == "unsupported_grant_type")
        text += "; the provider has to allow this grant for this client";
    return text;
}

// A number, which some providers write as a string.
inline std::optional<std::chrono::seconds> lifetime(std::string_view text)
{
    std::int64_t count = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (failed != std::errc{} || end == text.data()) return std::nullopt;
    constexpr std::int64_t decade = 10 * 366 * 86'400;
    return std::chrono::seconds{std::clamp<std::int64_t>(count, 0, decade)};
}

} // namespace detail

inline token_answer read_answer(unsigned status, std::string_view body)
{
    token_answer made;
    const auto answer = detail::parse_json(body);
    const auto fail = [&](std::string why) {
        made.problem = std::move(why);
        return std::move(made);
    };
    if (status != 200) {
        made.worth_retrying = detail::passes(status);
        return fail(detail::explain_refusal(status, answer));
    }
    if (!answer)
        return fail(
            "answers with what is not JSON, or nested too deeply; check sasl.oauthbearer.token.endpoint.url");
    auto token = detail::field(*answer, "access_token");
    if (token.empty()) token = detail::field(*answer, "id_token");
    if (token.empty()) return fail("answers without an access_token");
    const auto type = detail::field(*answer, "token_type");
    const auto same = [](char a, char b) { return (a | 0x20) == b; };
    if (!type.empty() && !std::ranges::equal(type, std::string_view{"bearer"}, same))
        return fail("answers with a token of type " + wire::escape(type, 40) + ", not bearer");
    made.token = token;
    made.expires_in = detail::lifetime(detail::field(*answer, "expires_in")).value_or(std::chrono::seconds{});
    return made;
}

} // namespace kurier::inline KURIER_ABI::oauth
