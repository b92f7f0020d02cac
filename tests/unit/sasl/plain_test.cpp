#include <kurier/sasl/plain.hpp>

#include "logins.hpp"

#include <doctest/doctest.h>

namespace {

using namespace kurier;
using namespace kurier::tests;
using sasl::progress;

static_assert(sasl::mechanism<sasl::plain>);

} // namespace

TEST_CASE("PLAIN sends user and password in one message (RFC 4616, section 4)")
{
    const sasl::plain mechanism{"tim"};
    CHECK(mechanism.name() == "PLAIN");
    auto login = mechanism.begin();
    REQUIRE(login.start(password("tanstaaftanstaaf")) == progress::send);
    CHECK(message_of(login) == std::string("\0tim\0tanstaaftanstaaf", 21));
    CHECK(answer(login, "") == progress::done);
    CHECK(login.message().empty());
}

TEST_CASE("PLAIN takes bytes as they are, and ignores what brokers say along")
{
    const sasl::plain mechanism{"\xc3\xa4lice"};
    auto login = mechanism.begin();
    REQUIRE(login.start(password("p\xef\xac\x81\xff")) == progress::send);
    CHECK(message_of(login) == std::string("\0\xc3\xa4lice\0p\xef\xac\x81\xff", 13));
    CHECK(answer(login, "welcome") == progress::done);
}

TEST_CASE("PLAIN refuses what it can't carry, without a word of the password")
{
    using namespace std::string_literals;
    const auto refusal = [](const std::string& user, const std::string& secret) {
        const sasl::plain mechanism{user};
        auto login = mechanism.begin();
        REQUIRE(login.start(password(secret)) == progress::fail);
        return std::string{login.problem()};
    };
    CHECK(refusal("", "p") == "the user name is empty");
    CHECK(refusal("u", "") == "the password is empty");
    CHECK(refusal("u\0v"s, "p") == "the user name has a NUL, which PLAIN can't carry");
    CHECK(refusal("u", "p\0q"s) == "the password has a NUL, which PLAIN can't carry");
}
