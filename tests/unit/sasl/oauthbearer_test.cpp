#include <kurier/sasl/oauthbearer.hpp>
#include <kurier/sasl/unsecured_token.hpp>

#include "logins.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace {

using namespace kurier;
using namespace kurier::tests;
using sasl::progress;
using sasl::token_extension;

static_assert(sasl::mechanism<sasl::oauthbearer>);

std::string first_message(std::string_view token, std::vector<token_extension> extensions = {},
                          std::string identity = {})
{
    const sasl::oauthbearer mechanism{std::move(identity)};
    auto login = mechanism.begin();
    const auto now = login.start(sasl::encode_token(token, extensions));
    return now == progress::send ? message_of(login) : "refused: " + std::string{login.problem()};
}

} // namespace

TEST_CASE("OAUTHBEARER: the token, its extensions, whom to act as (RFC 7628, section 4.1)")
{
    CHECK(sasl::oauthbearer{}.name() == "OAUTHBEARER");
    CHECK(first_message("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==") ==
          "n,,\x01"
          "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
    CHECK(first_message(
              "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", {{"host", "server.example.com"}, {"port", "143"}},
              "user@example.com") == "n,a=user@example.com,\x01"
                                     "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01"
                                     "host=server.example.com\x01port=143\x01\x01");
    CHECK(first_message("t", {}, "a=b,c") == "n,a=a=3Db=2Cc,\x01"
                                             "auth=Bearer t\x01\x01");
}

TEST_CASE("OAUTHBEARER: what a broker couldn't read isn't sent")
{
    CHECK(first_message("") == "refused: the token is empty");
    for (const auto* token : {"a b", "a\n", "=", "a=b", "a,b", "\xc3\xa4"})
        CHECK(first_message(token) == "refused: the token has a character that a bearer token can't have");
    for (const auto* name : {"", "auth", "trace_id", "a1", "a b"})
        CHECK(first_message("t", {{name, "x"}}).starts_with("refused: an extension's name"));
    for (const auto* value : {"", "\x02", "\xc3\xa4", "\x7f"})
        CHECK(first_message("t", {{"a", value}}).starts_with("refused: the extension a has no value"));
    CHECK(first_message("t", {{"a", "x\ty\r\n=z"}}) == "n,,\x01"
                                                       "auth=Bearer t\x01"
                                                       "a=x\ty\r\n=z\x01\x01");
}

TEST_CASE("OAUTHBEARER: a refusal is answered, and told when the broker says nothing else")
{
    const sasl::oauthbearer mechanism;
    auto login = mechanism.begin();
    REQUIRE(login.start(sasl::encode_token("top.secret.token")) == progress::send);
    SUBCASE("accepted")
    {
        CHECK(answer(login, "") == progress::done);
        CHECK(login.message().empty());
    }
    SUBCASE("refused")
    {
        REQUIRE(answer(login, R"({"status":"invalid_token"})") == progress::send);
        CHECK(message_of(login) == "\x01");
        REQUIRE(answer(login, "") == progress::fail);
        CHECK(login.problem() == R"(the broker refuses the token: {"status":"invalid_token"})");
    }
    SUBCASE("refused with bytes for a terminal")
    {
        REQUIRE(answer(login, "\x1b[2J" + std::string(100000, 'x')) == progress::send);
        REQUIRE(answer(login, "") == progress::fail);
        CHECK(login.problem().size() < 1000);
        CHECK(login.problem().find('\x1b') == std::string_view::npos);
    }
}

TEST_CASE("unsecured tokens, for tests")
{
    const auto token = sasl::unsecured_token("al\"ice\n", 1000, std::chrono::seconds{60});
    CHECK(token == sasl::to_base64(as_bytes(R"({"alg":"none"})"), sasl::base64_form::url) + '.' +
                       sasl::to_base64(as_bytes(R"({"sub":"al\u0022ice\u000a","iat":1000,"exp":1060})"),
                                       sasl::base64_form::url) +
                       '.');
    CHECK_FALSE(first_message(token).starts_with("refused"));
}
