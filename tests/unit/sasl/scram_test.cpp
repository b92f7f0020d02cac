#include <kurier/sasl/scram.hpp>

#include "logins.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace {

using namespace kurier;
using namespace kurier::tests;
using sasl::progress;
using sasl::scram_options;

static_assert(sasl::mechanism<sasl::scram_sha256> && sasl::mechanism<sasl::scram_sha512>);

// Kafka has no SCRAM-SHA-1, but RFC 5802 has its vector.
struct sha1
{
    static constexpr std::string_view mechanism = "SCRAM-SHA-1", digest = "SHA1";
    static constexpr std::size_t size = 20;
};

std::string next_nonce; // that the mechanisms below draw

bool fixed_bytes(std::span<std::byte> out)
{
    const auto bytes = sasl::from_base64(next_nonce);
    if (bytes && bytes->size() == out.size()) std::ranges::copy(*bytes, out.begin());
    return true;
}

bool no_bytes(std::span<std::byte>)
{
    return false;
}

constexpr std::string_view nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view server_nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view salt = "W22ZaJ0SNY7soEsUEjb6gQ==";

std::string server_first(std::string_view r = server_nonce, std::string_view s = salt,
                         std::string_view i = "4096")
{
    return "r=" + std::string{r} + ",s=" + std::string{s} + ",i=" + std::string{i};
}

constexpr scram_options as_in_the_rfc{.nonce_bytes = 15};

template <class Hash = sasl::sha256>
sasl::scram<Hash> mechanism_of(std::string user = "user", scram_options options = as_in_the_rfc)
{
    next_nonce = nonce;
    return sasl::scram<Hash>{std::move(user), options, &fixed_bytes};
}

template <class Hash> void check_vector(std::string_view proof, std::string_view signature)
{
    const auto mechanism = mechanism_of<Hash>();
    auto login = mechanism.begin();
    REQUIRE(login.start(password("pencil")) == progress::send);
    CHECK(message_of(login) == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    REQUIRE(computed(login, answer(login, server_first())) == progress::send);
    CHECK(message_of(login) == "c=biws,r=" + std::string{server_nonce} + ",p=" + std::string{proof});
    CHECK(answer(login, "v=" + std::string{signature}) == progress::done);
}

// What a login says to a broker's first message.
std::string refusal(const std::string& first, scram_options options = as_in_the_rfc)
{
    const auto mechanism = mechanism_of("user", options);
    auto login = mechanism.begin();
    REQUIRE(login.start(password("pencil")) == progress::send);
    if (computed(login, answer(login, first)) != progress::fail) return "accepted";
    return std::string{login.problem()};
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("SCRAM-SHA-256 as in RFC 7677, SCRAM-SHA-512 with the same words")
{
    CHECK(mechanism_of<sasl::sha256>().name() == "SCRAM-SHA-256");
    CHECK(mechanism_of<sasl::sha512>().name() == "SCRAM-SHA-512");
    check_vector<sasl::sha256>("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                               "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    check_vector<sasl::sha512>(
        "gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
        "ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==");
}

TEST_CASE("SCRAM as in RFC 5802, with SHA-1")
{
    next_nonce = "fyko+d2lbbFgONRv9qkxdawL";
    const sasl::scram<sha1> mechanism{"user", {.nonce_bytes = 18}, &fixed_bytes};
    auto login = mechanism.begin();
    REQUIRE(login.start(password("pencil")) == progress::send);
    CHECK(message_of(login) == "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    REQUIRE(
        computed(login,
                 answer(login, "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")) ==
        progress::send);
    CHECK(message_of(login) ==
          "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
    CHECK(answer(login, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == progress::done);
}

TEST_CASE("user names: escaped, ASCII only, not empty; the password's bytes as they are")
{
    const auto first = [](std::string user, std::string_view secret = "pencil",
                          scram_options options = as_in_the_rfc) {
        const auto mechanism = mechanism_of(std::move(user), options);
        auto login = mechanism.begin();
        return login.start(password(secret)) == progress::send ? message_of(login)
                                                               : std::string{login.problem()};
    };
    CHECK(first("a=b,c=2C") == "n,,n=a=3Db=2Cc=3D2C,r=" + std::string{nonce});
    CHECK(contains(first("\xc3\xa4lice"), "ASCII only"));
    CHECK(contains(first("a\x7f"), "ASCII only"));
    CHECK(contains(first("a\n"), "ASCII only"));
    CHECK(first("") == "the user name is empty");
    CHECK(first("user", "") == "the password is empty");
    CHECK(first("user", "\xef\xac\x81") == "n,,n=user,r=" + std::string{nonce});
    CHECK(first("id", "hmac", {.nonce_bytes = 15, .token = true}) ==
          "n,,n=id,r=" + std::string{nonce} + ",tokenauth=true");
}

TEST_CASE("nonces are drawn for each login, and nothing is sent without one")
{
    const sasl::scram_sha256 real{"user"};
    auto one = real.begin(), another = real.begin();
    REQUIRE(one.start(password("pencil")) == progress::send);
    REQUIRE(another.start(password("pencil")) == progress::send);
    CHECK(message_of(one).size() == 12 + 32);
    CHECK(message_of(one) != message_of(another));

    const sasl::scram_sha256 without{"user", {}, &no_bytes};
    auto login = without.begin();
    CHECK(login.start(password("pencil")) == progress::fail);
    CHECK(login.problem() == "the system gives no random bytes");
}

TEST_CASE("a broker's first message: each part is checked")
{
    CHECK(refusal(server_first()) == "accepted");
    CHECK(refusal(server_first() + ",x=y,z=") == "accepted"); // extensions may be ignored
    CHECK(contains(refusal("m=x," + server_first()), "extension"));
    CHECK(contains(refusal(server_first() + ",x=y,m=z"), "extension"));
    CHECK(contains(refusal("e=unknown-user"), "refused the user name"));
    for (const auto* text : {"", "r", "r=", "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "x"})
        CHECK(refusal(text) != "accepted");
    CHECK(contains(refusal(server_first("other")), "another login"));
    CHECK(contains(refusal(server_first(nonce.substr(1))), "another login"));
    CHECK(contains(refusal(server_first(nonce)), "played back"));
    CHECK(contains(refusal(server_first(std::string{nonce} + " ")), "no nonce"));
    for (const auto* text : {"", "====", "W22", "W22ZaJ0SNY7soEsUEjb6gQ"})
        CHECK(contains(refusal(server_first(server_nonce, text)), "salt"));
    CHECK(
        contains(refusal(server_first(server_nonce, std::string(1368, 'A') + "AA==")), "salt")); // 1025 bytes
    for (const auto* text : {"", "x", "4096x", "-4096", "+4096", " 4096", "0x1000"})
        CHECK(contains(refusal(server_first(server_nonce, salt, text)), "no number of iterations"));
    for (const auto* text : {"0", "1", "4095", "131073", "2147483648", "4294967296", "99999999999999999999"})
        CHECK(refusal(server_first(server_nonce, salt, text)) ==
              "the broker asks for " + std::string{text} + " iterations; allowed are 4096 to 131072");
    CHECK(refusal(server_first(server_nonce, salt, "100"), {.iterations_min = 100, .nonce_bytes = 15}) ==
          "accepted");
    CHECK(refusal(server_first(server_nonce, salt, "131072")) == "accepted");
}

TEST_CASE("a broker that doesn't prove itself is not believed")
{
    const std::string good = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    const auto final_answer = [](const std::string& text) {
        const auto mechanism = mechanism_of();
        auto login = mechanism.begin();
        REQUIRE(login.start(password("pencil")) == progress::send);
        REQUIRE(computed(login, answer(login, server_first())) == progress::send);
        return answer(login, text) == progress::done ? std::string{"done"} : std::string{login.problem()};
    };
    CHECK(final_answer(good) == "done");
    CHECK(final_answer(good + ",x=y") == "done");
    for (std::size_t at = 2; at < good.size() - 1; ++at) {
        auto bad = good;
        bad[at] = bad[at] == 'A' ? 'B' : 'A';
        CHECK(final_answer(bad) != "done");
    }
    CHECK(contains(final_answer(""), "did not prove"));
    CHECK(contains(final_answer("v="), "did not prove"));
    CHECK(contains(final_answer("v=AAAA"), "did not prove"));
    CHECK(contains(final_answer("e=invalid-proof"), "refused the proof"));
}

TEST_CASE("messages that come when none is due end the login")
{
    const auto mechanism = mechanism_of();
    auto login = mechanism.begin();
    REQUIRE(login.start(password("pencil")) == progress::send);
    CHECK(login.proceed() == progress::fail);
    CHECK(answer(login, server_first()) == progress::fail);
}

TEST_CASE("keys are derived in slices, once for logins that need the same, and anew when anything differs")
{
    const auto mechanism = mechanism_of();
    const auto slices = [&](std::string_view secret, std::string_view salted = salt,
                            std::string_view count = "8192") {
        auto login = mechanism.begin();
        REQUIRE(login.start(password(secret)) == progress::send);
        int made = 0;
        auto now = answer(login, server_first(server_nonce, salted, count));
        for (; now == progress::compute; now = login.proceed()) ++made;
        REQUIRE(now == progress::send);
        return made;
    };
    CHECK(slices("pencil") == 7);
    CHECK(slices("pencil") == 0);
    CHECK(slices("pencils") == 7);
    CHECK(slices("pencils", "AAAA") == 7);
    CHECK(slices("pencils", "AAAA", "4096") == 3);
    CHECK(slices("pencils", "AAAA", "4096") == 0);
    CHECK(slices("pencil") == 7); // the last one is kept only
}

TEST_CASE("of two logins at once one derives; when it is given up, the other does")
{
    const auto mechanism = mechanism_of();
    auto first = std::make_unique<sasl::scram_sha256::login>(mechanism);
    auto second = mechanism.begin();
    REQUIRE(first->start(password("pencil")) == progress::send);
    REQUIRE(second.start(password("pencil")) == progress::send);
    REQUIRE(answer(*first, server_first()) == progress::compute);
    REQUIRE(answer(second, server_first()) == progress::compute);
    SUBCASE("it waits for the first")
    {
        for (int i = 0; i < 10; ++i) CHECK(second.proceed() == progress::compute);
        CHECK(computed(*first, progress::compute) == progress::send);
        CHECK(second.proceed() == progress::send);
        CHECK(message_of(second) == message_of(*first));
    }
    SUBCASE("the first is given up")
    {
        first.reset();
        CHECK(computed(second, progress::compute) == progress::send);
    }
    SUBCASE("a login that needs others doesn't wait")
    {
        auto third = mechanism.begin();
        REQUIRE(third.start(password("pencils")) == progress::send);
        CHECK(computed(third, answer(third, server_first())) == progress::send);
    }
}
