// A SASL mechanism on a connection: what is said to the broker and when, and what its answers lead to.
#include "../support/login_peer.hpp"

#include <kurier/sasl/oauthbearer.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace kurier::core::tests {
namespace {

// Two messages, with a computation before the second; "no" fails it.
class slow_mechanism
{
public:
    struct login
    {
        sasl::progress start(secret_bytes)
        {
            text = "first";
            return sasl::progress::send;
        }
        sasl::progress step(bytes_view challenge)
        {
            if (as_text(challenge) == "no") return sasl::progress::fail;
            return ++steps == 1 ? sasl::progress::compute : sasl::progress::done;
        }
        sasl::progress proceed()
        {
            text = "second";
            return ++slices < 3 ? sasl::progress::compute : sasl::progress::send;
        }
        bytes_view message() const { return as_bytes(text); }
        std::string_view problem() const { return "it said no"; }

        std::string text;
        int steps = 0, slices = 0;
    };
    std::string_view name() const { return "SLOW"; }
    login begin() const { return {}; }
};

// Its login fails in one way or another.
struct failing
{
    plain_peer b = alice();
    std::string words;

    failing() { b.tell_versions(); }
    bool introduced(broker_errc error, std::vector<std::string> mechanisms = {})
    {
        b.give("secret");
        b.tell(sasl_handshake_response{static_cast<std::int16_t>(error), std::move(mechanisms)}, 1);
        return b.conn->close_reason == error;
    }
    bool answered(broker_errc error, std::optional<std::string> said)
    {
        b.give("secret");
        b.tell(sasl_handshake_response{}, 1);
        sasl_authenticate_response refusal;
        refusal.error_code = static_cast<std::int16_t>(error);
        refusal.error_message = std::move(said);
        b.tell(refusal, 2);
        return b.conn->close_reason == error;
    }
    void check() const
    {
        CHECK(b.closing());
        CHECK(b.readies == 0);
        if (!words.empty()) CHECK(b.conn->words == words);
    }
};

constexpr std::string_view alices_login{"\0alice\0secret", 13};

} // namespace

TEST_CASE("SaslHandshake v1, then SaslAuthenticate in the newest common version, then requests")
{
    auto b = alice();
    std::int16_t version = 2;
    SUBCASE("Kafka 2.5 and newer") {}
    SUBCASE("Kafka 2.1, which tells no lifetime")
    {
        version = 0;
    }
    b.tell_versions(version);
    b.give("secret");
    b.expect(sasl_handshake_request{"PLAIN"}, 1);
    b.tell(sasl_handshake_response{0, {"PLAIN", "SCRAM-SHA-256"}}, 1);
    b.expect(login_message(alices_login), version);
    CHECK_FALSE(b.conn->accepts_requests());
    b.answer("", 0, version);
    CHECK(b.readies == 1);
    CHECK(b.conn->accepts_requests());
    CHECK(b.conn->opening.again_at() == never);
}

TEST_CASE("the answer to a good login, byte for byte as Kafka 4.3 sends it")
{
    auto b = alice();
    b.tell_versions();
    b.give("secret");
    b.tell(sasl_handshake_response{}, 1);
    const std::byte frame[]{std::byte{0},    std::byte{0}, std::byte{0}, std::byte{18}, std::byte{0},
                            std::byte{0},    std::byte{0}, std::byte{3}, std::byte{0},  std::byte{0},
                            std::byte{0},    std::byte{1}, std::byte{1}, std::byte{0},  std::byte{0},
                            std::byte{0},    std::byte{0}, std::byte{0}, std::byte{0},  std::byte{0x1f},
                            std::byte{0x40}, std::byte{0}};
    b.receive(frame);
    CHECK(b.readies == 1);
    CHECK(b.conn->opening.session_end() == never); // which counts while it is renewed
    CHECK(b.conn->opening.again_at() < b.now.steady + 8s);
}

TEST_CASE("a computation goes on in slices, each in a turn of its own")
{
    login_peer<slow_mechanism> b;
    b.tell_versions();
    b.give("secret");
    b.expect(sasl_handshake_request{"SLOW"}, 1);
    b.tell(sasl_handshake_response{}, 1);
    b.expect(login_message("first"), 2);
    b.answer("challenge");
    for (int slice = 1; slice <= 3; ++slice) {
        CHECK(b.next() == action_kind::compute);
        CHECK_FALSE(b.next());
        b.conns.compute(b.conn->id, b.now);
    }
    b.expect(login_message("second"), 2);
    b.answer("");
    CHECK(b.readies == 1);
    b.conns.compute(b.conn->id, b.now); // too late
    b.conns.compute(77, b.now);         // no such connection
    CHECK(b.readies == 1);
    CHECK_FALSE(b.closing());
}

TEST_CASE("each way to be turned away by SaslHandshake closes the connection and says why")
{
    failing f;
    SUBCASE("a mechanism that the broker doesn't take")
    {
        CHECK(f.introduced(broker_errc::unsupported_sasl_mechanism, {"SCRAM-SHA-256", "GSSAPI"}));
        f.words = "the broker does not take PLAIN, but SCRAM-SHA-256, GSSAPI";
    }
    SUBCASE("it takes none")
    {
        CHECK(f.introduced(broker_errc::unsupported_sasl_mechanism));
        f.words = "the broker does not take PLAIN, but nothing";
    }
    SUBCASE("its list is an attack on a terminal")
    {
        CHECK(f.introduced(broker_errc::unsupported_sasl_mechanism, {std::string(3000, '\x1b')}));
        CHECK(f.b.conn->words.size() < 2000);
        CHECK(f.b.conn->words.find('\x1b') == std::string::npos);
    }
    SUBCASE("a listener without SASL")
    {
        CHECK(f.introduced(broker_errc::illegal_sasl_state));
        f.words =
            "this listener has no SASL: use the port of one that has, or security.protocol=PLAINTEXT or SSL";
    }
    SUBCASE("another error")
    {
        CHECK(f.introduced(broker_errc::unknown_server_error));
        f.words = "PLAIN: UNKNOWN_SERVER_ERROR: the broker hit an unexpected error of its own";
    }
    f.check();
}

TEST_CASE("each way to fail later closes the connection and says why")
{
    failing f;
    SUBCASE("a wrong password")
    {
        CHECK(f.answered(broker_errc::sasl_authentication_failed, "Authentication failed: \x1b[2J"));
        f.words = "the broker refuses the login with PLAIN: \"Authentication failed: \\x1b[2J\"";
    }
    SUBCASE("without a word")
    {
        CHECK(f.answered(broker_errc::sasl_authentication_failed, std::nullopt));
        f.words = "the broker refuses the login with PLAIN";
    }
    SUBCASE("what the mechanism refuses itself never reaches the broker")
    {
        f.b.give("");
        CHECK(f.b.conn->close_reason == errc::authentication_failed);
        CHECK(f.b.written().empty());
        f.words = "PLAIN: the password is empty";
    }
    SUBCASE("a message that no broker takes before a login")
    {
        f.b.give(std::string(524'288, 'x'));
        CHECK(f.b.conn->close_reason == errc::authentication_failed);
        f.words = "PLAIN: a message of 524295 bytes exceeds what brokers take before a login, 523264";
    }
    SUBCASE("there is no credential")
    {
        f.b.conns.credential(f.b.conn->id, {}, errc::credential_unavailable, "the file is empty", f.b.now);
        CHECK(f.b.conn->close_reason == errc::credential_unavailable);
        f.words = "the file is empty";
    }
    SUBCASE("bytes that are no answer")
    {
        f.b.give("secret");
        const std::byte frame[]{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{5}, std::byte{0},
                                std::byte{0}, std::byte{0}, std::byte{2}, std::byte{9}};
        f.b.receive(frame);
        CHECK(f.b.conn->close_reason == errc::protocol_error);
    }
    f.check();
}

TEST_CASE("a mechanism that computes nothing, and one that is not content with the broker")
{
    login_peer<slow_mechanism> b;
    b.tell_versions();
    b.give("secret");
    b.tell(sasl_handshake_response{}, 1);
    b.answer("no");
    CHECK(b.conn->close_reason == errc::authentication_failed);
    CHECK(b.conn->words == "SLOW: it said no");

    auto plain = alice();
    plain.tell_versions();
    plain.conns.compute(plain.conn->id, plain.now);
    CHECK(plain.conn->close_reason == errc::authentication_failed);
}

TEST_CASE("a refused token: the refusal is answered, and the broker has the last word")
{
    login_peer<sasl::oauthbearer> b;
    b.tell_versions();
    b.give("token");
    b.expect(sasl_handshake_request{"OAUTHBEARER"}, 1);
    b.tell(sasl_handshake_response{}, 1);
    b.expect(login_message("n,,\x01"
                           "auth=Bearer token\x01\x01"),
             2);
    b.answer(R"({"status":"invalid_token"})", 5000);
    b.expect(login_message("\x01"), 2);
    sasl_authenticate_response refusal;
    refusal.error_code = static_cast<std::int16_t>(broker_errc::sasl_authentication_failed);
    refusal.error_message = R"({"status":"invalid_token"})";
    b.tell(refusal, 2);
    CHECK(b.conn->close_reason == broker_errc::sasl_authentication_failed);
    CHECK(b.conn->words.find("the token may have expired") != std::string::npos);
}

TEST_CASE("before a login no answer may be larger than 64 KiB")
{
    auto b = alice();
    b.tell_versions();
    b.give("secret");
    std::vector<std::byte> front(8);
    front[1] = std::byte{1}; // 65536 bytes and one more follow
    front[3] = std::byte{1};
    b.receive(front);
    CHECK(b.conn->close_reason == errc::response_too_large);
}

TEST_CASE("the bytes of a login are overwritten when they are written")
{
    auto b = alice();
    b.tell_versions();
    b.give("secret");
    (void)b.written();
    b.tell(sasl_handshake_response{}, 1);
    bytes_view views[2];
    REQUIRE(b.conn->gather(views) == 1);
    const auto sent = views[0];
    REQUIRE(as_text(sent).find("secret") != std::string_view::npos);
    (void)b.written();
    b.answer("");
    CHECK(as_text(sent).find("secret") == std::string_view::npos); // it lies in the pool of requests now
}

} // namespace kurier::core::tests
