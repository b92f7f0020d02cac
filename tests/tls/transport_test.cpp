// Nothing is lost or sent twice, whatever the socket below does, at every byte.
#include "support/scripted_tls.hpp"

#include <kurier/tls/transport.hpp>

using namespace kurier;
using namespace kurier::testing;

namespace {

struct world
{
    certificate authority = make_authority();
    certificate broker = make_certificate({.issuer = &authority});
    std::shared_ptr<asio::ssl::context> server = server_context(broker);
    std::shared_ptr<openssl::setup> setup = client_setup(authority);
};

const world& shared()
{
    static const world made;
    return made;
}

std::string bytes(std::size_t size)
{
    std::string text(size, ' ');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('!' + (i * 7 + i / 251) % 90);
    return text;
}

tls_client make_client()
{
    return tls_client{shared().setup, shared().server};
}

} // namespace

TEST_CASE("A request of many records goes in few writes, its header with the beginning of its batch")
{
    auto client = make_client();
    client.open();
    REQUIRE(client.opened);
    const auto before = client.wire->moved();
    client.wire->writes = 0;
    client.send(bytes(60), bytes(1024 * 1024));
    CHECK(client.accepted == client.sent().size());
    CHECK(client.wire->writes == 5);
    const auto records = (client.sent().size() + openssl::record_max - 1) / openssl::record_max;
    CHECK(client.wire->moved() - before ==
          client.sent().size() + records * 22); // 5 bytes of header, 17 of TLS 1.3
    CHECK(client.peer.got == client.sent());
}

TEST_CASE("One byte at a time, with and without waiting before each")
{
    auto client = make_client();
    client.script.at_once = 1;
    SUBCASE("as much as there is room for") {}
    SUBCASE("each byte waits")
    {
        client.script.congested = true;
    }
    client.open();
    REQUIRE(client.opened);
    client.send(bytes(60), bytes(40'000));
    client.send(bytes(10), "");
    client.peer.say("one");
    client.wire->pass_on();
    client.run();
    client.peer.say(bytes(20'000));
    client.wire->pass_on();
    client.run();
    CHECK(client.accepted == client.sent().size());
    CHECK(client.peer.got == client.sent());
    CHECK(client.got == "one" + bytes(20'000));
}

TEST_CASE("The socket is full before any byte")
{
    std::size_t all = 0;
    for (std::size_t at = 0; at <= all; ++at) {
        auto client = make_client();
        client.script.block_at = at;
        client.open();
        REQUIRE(client.opened);
        client.send(bytes(20), bytes(100));
        client.send(bytes(20), bytes(300));
        client.run();
        CHECK(client.accepted == client.sent().size());
        CHECK(client.peer.got == client.sent());
        if (at == 0) all = client.wire->moved();
    }
    CHECK(all > 600);
}

TEST_CASE("The socket fails at any byte: what is not counted, the broker has not seen")
{
    std::size_t all = 0;
    for (std::size_t at = 0; at <= all; ++at) {
        auto client = make_client();
        if (at > 0) client.script.fail_at = at - 1;
        client.script.failure = asio::error::timed_out;
        client.open();
        if (client.opened) {
            client.send(bytes(20), bytes(100));
            client.send(bytes(20), bytes(300));
            client.script.block_at = client.wire->moved() + 3;
            client.send(bytes(20), bytes(18'000));
            client.run();
        }
        CHECK(client.sent().starts_with(client.peer.got));
        CHECK(client.accepted == client.peer.got.size());
        if (at == 0) {
            CHECK(client.accepted == client.sent().size());
            all = client.wire->moved();
            if (all > 3000) all = 3000;
        } else {
            CHECK((client.open_error || client.write_error || client.wire->moved() < at));
        }
        CHECK_FALSE(client.opening);
        CHECK_FALSE(client.writing);
        client.close();
        client.run();
        CHECK_FALSE(client.reading);
    }
}

TEST_CASE("A key update that the broker asks for is answered, whatever is under way")
{
    auto client = make_client();
    client.open();
    REQUIRE(client.opened);
    const auto ask = [&] {
        REQUIRE(SSL_key_update(client.peer.session.native(), SSL_KEY_UPDATE_REQUESTED) == 1);
        client.peer.say("after");
        client.wire->pass_on();
    };
    SUBCASE("nothing")
    {
        ask();
        client.run();
        const auto before = client.wire->moved();
        client.send(bytes(20), bytes(100));
        CHECK(client.wire->moved() == before + 27 + 142); // it goes ahead of the next record
    }
    SUBCASE("a write that waits")
    {
        client.script.block_at = client.wire->moved() + 10;
        client.wire->stuck = true;
        client.send(bytes(20), bytes(20'000));
        CHECK(client.writing);
        ask();
        client.run();
        CHECK(client.got == "after"); // reading doesn't wait for it
        client.wire->stuck = false;
        client.wire->finish_write();
        client.run();
        client.send(bytes(20), bytes(100));
    }
    SUBCASE("no room for the answer")
    {
        client.script.block_at = client.wire->moved() + 5;
        ask();
        client.run();
        CHECK(client.got == "after");
        client.send(bytes(20), bytes(20'000));
        client.run();
    }
    CHECK(client.accepted == client.sent().size());
    CHECK(client.peer.got == client.sent());
    ask();
    client.run();
    client.send(bytes(20), bytes(100));
    client.run();
    CHECK(client.peer.got == client.sent());
    CHECK(client.got == "afterafter");
}

TEST_CASE("A close at any byte ends everything that is pending, once, and says goodbye if there is a whole "
          "record's end")
{
    std::size_t all = 0;
    for (std::size_t at = 0; at <= all; ++at) {
        auto client = make_client();
        if (at > 0) client.script.block_at = at - 1;
        client.wire->stuck = at > 0;
        client.open();
        if (client.opened) client.send(bytes(20), bytes(100));
        if (at == 0) all = client.wire->moved();
        client.close();
        client.run();
        CHECK_FALSE(client.opening);
        CHECK_FALSE(client.reading);
        CHECK_FALSE(client.writing);
        CHECK(client.accepted == client.peer.got.size());
        CHECK(client.peer.said_goodbye == (client.opened && client.accepted == client.sent().size()));
    }
    CHECK(all > 400);
}

TEST_CASE("The broker ends the connection: with and without TLS's goodbye")
{
    auto client = make_client();
    client.open();
    REQUIRE(client.opened);
    client.peer.say("last words");
    SUBCASE("with")
    {
        client.peer.session.close();
        client.peer.drain();
    }
    SUBCASE("without") {}
    client.wire->ended = asio::error::eof;
    client.wire->pass_on();
    client.run();
    CHECK(client.got == "last words");
    CHECK(client.read_error == asio::error::eof);
    CHECK(client.way->words().empty());
}

TEST_CASE("What the broker says before it hangs up tells more than our failed write")
{
    auto setup = client_setup(shared().authority);
    auto server = server_context(shared().broker);
    SSL_CTX_set_verify(server->native_handle(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    tls_client client{setup, server};
    const auto hang_up = [&] {
        client.wire->ended = asio::error::connection_reset;
        client.script.fail_at = client.wire->moved();
        client.script.failure = asio::error::broken_pipe;
    };
    client.muted_when_open =
        true; // with TLS 1.3 our side of the handshake ends before the broker has looked at us
    client.open();
    REQUIRE(client.opened);
    hang_up();
    SUBCASE("at once")
    {
        client.send(bytes(20), bytes(100));
    }
    SUBCASE("later")
    {
        client.script.block_at = client.wire->moved();
        client.send(bytes(20), bytes(100));
    }
    client.run();
    CHECK(client.writing);
    client.wire->muted = false;
    client.wire->pass_on();
    client.run();
    CHECK(client.read_error == errc::certificate_refused);
    CHECK_FALSE(client.writing);
    CHECK(client.way->words() ==
          "the broker wants a certificate of this client, and there is none: \"certificate required\" "
          "(TLS alert 116); set ssl.keystore.location");
}

TEST_CASE("The connection is closed while it waits for the broker's last words")
{
    auto client = make_client();
    client.muted_when_open = true;
    client.open();
    client.script.fail_at = client.wire->moved();
    client.send(bytes(20), bytes(100));
    client.run();
    CHECK(client.writing);
    client.close();
    client.wire->muted = false;
    client.wire->pass_on();
    client.run();
    CHECK_FALSE(client.writing);
    CHECK_FALSE(client.reading);
    CHECK(client.write_error == asio::error::connection_reset);
}

TEST_CASE("A byte of the broker's handshake is another one: the connection fails, and nothing else")
{
    std::size_t all = 1;
    for (std::size_t at = 0; at < all; ++at) {
        auto client = make_client();
        client.peer.damage_at = at;
        client.open();
        client.send(bytes(20), bytes(100));
        client.wire->ended = asio::error::eof;
        client.wire->pass_on();
        client.run();
        all = std::max(all, client.peer.said); // also where the damage has made it shorter
        CHECK_FALSE(client.opening);
        CHECK((client.open_error || client.read_error));
    }
    CHECK(all > 500);
}

TEST_CASE("Renegotiation is refused")
{
    auto server = server_context(shared().broker);
    SSL_CTX_set_max_proto_version(server->native_handle(), TLS1_2_VERSION);
    tls_client client{shared().setup, server};
    client.open();
    REQUIRE(client.opened);
    client.send(bytes(20), bytes(100));
    SSL_clear_options(client.peer.session.native(), SSL_OP_NO_RENEGOTIATION);
    REQUIRE(SSL_renegotiate(client.peer.session.native()) == 1);
    SSL_do_handshake(client.peer.session.native());
    client.peer.drain();
    client.wire->pass_on();
    client.run();
    // No handshake comes about; OpenSSL's server takes that for the end.
    CHECK(client.read_error);
    CHECK(ERR_GET_REASON(client.peer.session.error()) == SSL_R_NO_RENEGOTIATION);
}

TEST_CASE("A damaged record ends the connection, and the broker is told")
{
    auto client = make_client();
    client.open();
    REQUIRE(client.opened);
    client.peer.say("intact");
    client.peer.out.back() ^= std::byte{1};
    SUBCASE("there is room to tell") {}
    SUBCASE("there is none")
    {
        client.script.block_at = client.wire->moved() + 2;
    }
    SUBCASE("a write waits, whose bytes must stay where they are")
    {
        client.script.block_at = client.wire->moved() + 2;
        client.wire->stuck = true;
        client.send(bytes(20), bytes(16'000));
        CHECK(client.writing);
    }
    client.wire->pass_on();
    client.run();
    CHECK(client.read_error == errc::tls_failed);
    CHECK(client.way->words().find("a damaged record came") == 0);
    CHECK(client.got.empty());
    CHECK_FALSE(client.reading);
}
