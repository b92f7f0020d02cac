// Connections: versions, framing, correlation, and peers that are not what they should be.
#include "../support/core_script.hpp"

namespace kurier::core::script {
namespace {

using enum broker_errc;

// Connected, with the ApiVersions request on its way and not answered.
core_script& silent(core_script& s)
{
    s.answer_versions = false;
    s.step();
    return s;
}

error_code last_close(const core_script& s)
{
    REQUIRE_FALSE(s.closes.empty());
    return s.closes.back().second;
}

std::string frame_of(std::size_t size, char with = '\0')
{
    std::string frame{static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                      static_cast<char>(size >> 8), static_cast<char>(size)};
    return frame + std::string(size, with);
}

} // namespace

// --- ApiVersions -----------------------------------------------------------------------------------------------------

TEST_CASE("ApiVersions: version 5 asks a known broker whether it is the one that is meant (KIP-1242)")
{
    core_script s;
    auto& told = s.send("t", "a");
    s.step();
    s.answer();
    CHECK(told.ok());
    CHECK(s.versions_asked == std::vector<std::int16_t>{4, 5}); // of a bootstrap address nothing is known
    CHECK(s.versions_question.cluster_id == "cluster");
    CHECK(s.versions_question.node_id == 1);
}

TEST_CASE("ApiVersions: version 5 is not asked where the cluster hasn't offered it")
{
    core_script s;
    s.api[18] = {0, 4};
    s.send("t", "a");
    s.step();
    CHECK(s.versions_asked == std::vector<std::int16_t>{4, 4});
}

TEST_CASE("ApiVersions: a broker of another cluster is left, and the bootstrap addresses are asked again "
          "(KIP-1242)")
{
    core_script s;
    s.send("t", "a");
    s.answer_versions = false;
    s.step();
    REQUIRE(s.held.size() == 1);
    s.answer_versions = true;
    s.answer_api_versions(s.held[0].first, 1, 4);
    s.answer_versions = false;
    s.step();
    REQUIRE(s.versions_asked == std::vector<std::int16_t>{4, 5});
    protocol::api_versions_response stranger;
    stranger.error_code = static_cast<std::int16_t>(rebootstrap_required);
    s.respond(s.held[1].first, 1, 5, stranger);
    CHECK(last_close(s) == rebootstrap_required);
    s.answer_versions = true;
    s.step(2s);
    CHECK(s.versions_asked.size() > 2);
}

TEST_CASE("ApiVersions: UNSUPPORTED_VERSION says which one to ask next (KIP-511)")
{
    core_script s;
    s.api[18] = {0, 2};
    auto& told = s.send("t", "a");
    s.step();
    REQUIRE(s.versions_asked.size() == 4); // on the bootstrap connection and on the leader's
    CHECK(s.versions_asked[1] == 2);
    CHECK(s.versions_asked[3] == 2);
    s.answer();
    CHECK(told.ok());
    CHECK(s.closes.empty());
}

TEST_CASE("ApiVersions: a refusal that can't be read leads to version 0 on the same connection")
{
    core_script s;
    silent(s);
    const auto link = s.held.at(0).first;
    s.peers.at(link).answers.clear();
    s.receive(link, frame_of(5, '\0').replace(4, 4, std::string{"\0\0\0\1", 4}));
    REQUIRE(s.versions_asked.size() == 2);
    CHECK(s.versions_asked[1] == 0);
    s.answer_api_versions(link, 2, 0);
    s.step();
    CHECK(s.core.connections().find(link)->phase == connection_phase::ready);
}

TEST_CASE(
    "franz-go #1312: a peer that hangs up on ApiVersions is asked lower on the next connections, then 0")
{
    core_script s;
    silent(s);
    for (int i = 0; i < 4; ++i) {
        s.drop(s.peers.begin()->first);
        s.step(2s);
    }
    const auto first = s.versions_asked[0];
    CHECK(first >= 4);
    CHECK(s.versions_asked.at(1) == 3);
    CHECK(s.versions_asked.at(2) == 0);
    CHECK(s.versions_asked.at(3) == 0);
}

TEST_CASE("ApiVersions: version 0 refused too, or an error: the connection is of no use, and is tried again "
          "with pauses")
{
    core_script s;
    silent(s);
    SUBCASE("an error")
    {
        protocol::api_versions_response answer;
        answer.error_code = static_cast<std::int16_t>(unknown_server_error);
        s.respond(s.held.at(0).first, 1, s.versions_asked[0], answer);
    }
    SUBCASE("0 refused")
    {
        protocol::api_versions_response answer;
        answer.error_code = static_cast<std::int16_t>(unsupported_version);
        const auto link = s.held.at(0).first;
        s.respond(link, 1, 0, answer);
        REQUIRE(s.versions_asked.back() == 0);
        s.respond(link, 2, 0, answer);
    }
    CHECK(last_close(s) == errc::protocol_error);
    const auto count = s.connects.size();
    s.step(60s);
    CHECK(s.connects.size() > count);
    CHECK(s.connects.size() < 20);
}

TEST_CASE("librdkafka #4948: ranges are intersected per API; without Produce or Metadata there "
          "is no use")
{
    core_script s;
    SUBCASE("Produce too new")
    {
        s.api[0] = {50, 60};
    }
    SUBCASE("Produce too old")
    {
        s.api[0] = {0, 2};
    }
    SUBCASE("no Metadata")
    {
        s.api[3] = {0, -1};
    }
    s.step();
    CHECK(last_close(s) == errc::unsupported_version);
    CHECK(s.core.last_trouble()->text.find("it speaks no version of") != std::string::npos);
    const auto count = s.connects.size();
    s.step(60s); // its backoff grows as for one that is down
    CHECK(s.connects.size() > count);
    CHECK(s.connects.size() < 100);
}

TEST_CASE("a broker that was upgraded is asked anew on the next connection")
{
    core_script s;
    s.api[0] = {0, 8};
    s.warm_up();
    s.send("t", "a");
    s.step();
    CHECK(s.asked.at(0).version == 8);
    s.api[0] = {3, 11};
    s.drop(s.link_to(9001));
    s.step(2s);
    CHECK(s.asked.at(0).version == 11);
}

// --- framing ---------------------------------------------------------------------------------------------------------

TEST_CASE("answers arrive in pieces of any size")
{
    for (std::size_t piece : {1u, 2u, 3u, 7u, 64u}) {
        core_script s;
        s.warm_up();
        auto& told = s.send("t", "a");
        s.step();
        const auto question = s.take();
        protocol::produce_response response;
        response.responses.push_back({"t", question.only().id, {{0, 0, 12, -1, 0, {}, {}, {}}}});
        std::vector<std::byte> frame;
        REQUIRE(protocol::write_response_frame(frame, response, question.version, question.correlation_id));
        for (std::size_t at = 0; at < frame.size(); at += piece) {
            CHECK_FALSE(told.done());
            s.receive(question.link, bytes_view{frame}.subspan(at, std::min(piece, frame.size() - at)));
        }
        CHECK(told.ok());
        CHECK(told.offset == 12);
    }
}

TEST_CASE("requests leave in pieces of any size, and are the same bytes")
{
    std::string whole;
    for (std::size_t piece : {100'000u, 1u, 2u, 3u, 5u, 13u, 61u, 62u, 100u}) {
        core_script s;
        s.topics["t"].partitions.resize(3);
        s.warm_up();
        s.take_writes = false;
        for (int i = 0; i < 3; ++i) s.send("t", std::string(50, 'x'), i);
        s.step();
        const auto link = s.link_to(9001);
        bytes_view views[16];
        std::string bytes;
        for (;;) {
            const auto count = s.core.gather(link, views);
            std::size_t part = 0;
            for (std::size_t i = 0; i < count && part < piece; ++i) {
                CHECK_FALSE(views[i].empty());
                const auto take = std::min(views[i].size(), piece - part);
                bytes += as_text(views[i].first(take));
                part += take;
            }
            if (part == 0) break;
            s.core.written(link, part, s.now);
        }
        if (whole.empty()) whole = bytes;
        CHECK(bytes == whole);
    }
}

TEST_CASE("a size that no answer has")
{
    core_script s;
    SUBCASE("before the session is ready: 64 KiB at most")
    {
        silent(s);
        s.receive(s.held.at(0).first, frame_of(65537).substr(0, 8));
        CHECK(last_close(s) == errc::response_too_large);
    }
    SUBCASE("afterwards: kurier.max.response.size")
    {
        s.warm_up();
        s.receive(s.link_to(9001), frame_of(8 * 1024 * 1024 + 1).substr(0, 8));
        CHECK(last_close(s) == errc::response_too_large);
    }
    SUBCASE("less than a correlation id")
    {
        s.warm_up();
        s.receive(s.link_to(9001), frame_of(3));
        CHECK(last_close(s) == errc::protocol_error);
    }
    SUBCASE("negative")
    {
        s.warm_up();
        s.receive(s.link_to(9001), "\xff\xff\xff\xff");
        CHECK(last_close(s) == errc::protocol_error);
    }
    auto& told = s.send("t", "after");
    s.answer_versions = true;
    s.step(3s);
    s.answer_all();
    CHECK(told.ok()); // on the next connection
}

TEST_CASE("a large size costs no memory before the bytes have come")
{
    core_script s;
    s.warm_up();
    const auto link = s.link_to(9001);
    s.receive(link, frame_of(8 * 1024 * 1024 - 100).substr(0, 100));
    CHECK(s.core.connections().find(link)->input.capacity() <= 8192);
}

TEST_CASE("an answer to nothing, or with another's correlation id")
{
    core_script s;
    s.warm_up();
    SUBCASE("nothing was asked")
    {
        s.receive(s.link_to(9001), frame_of(4));
        CHECK(last_close(s) == errc::unexpected_response);
    }
    SUBCASE("another id")
    {
        auto& told = s.send("t", "a");
        s.step();
        const auto first = s.take();
        s.receive(first.link, frame_of(40, 'x'));
        CHECK(last_close(s) == errc::correlation_mismatch);
        s.step(2s);
        CHECK(s.asked.at(0).only().bytes == first.only().bytes);
        s.answer();
        CHECK(told.ok());
    }
}

TEST_CASE("an answer that can't be read: the connection is closed, and what it was about is not known")
{
    core_script s;
    s.warm_up();
    SUBCASE("to Produce")
    {
        auto& told = s.send("t", "a");
        s.step();
        const auto first = s.take();
        std::string bytes = frame_of(30, '\x7f');
        for (int i = 0; i < 4; ++i)
            bytes[static_cast<std::size_t>(4 + i)] = static_cast<char>(first.correlation_id >> (24 - 8 * i));
        s.receive(first.link, bytes);
        CHECK(last_close(s) == errc::protocol_error);
        s.step(2s);
        CHECK(s.asked.at(0).only().bytes == first.only().bytes);
        s.answer(duplicate_sequence_number);
        CHECK(told.ok());
    }
    SUBCASE("to Metadata")
    {
        s.answer_metadata = false;
        s.send("new", "a");
        s.step(400ms);
        REQUIRE(s.held.size() == 1);
        wire::reader in{s.held[0].second};
        in.take(4);
        auto bytes = frame_of(12, '\x7f');
        const auto id = in.take_int<std::int32_t>();
        for (int i = 0; i < 4; ++i)
            bytes[static_cast<std::size_t>(4 + i)] = static_cast<char>(id >> (24 - 8 * i));
        s.answer_metadata = true;
        s.receive(s.held[0].first, bytes);
        CHECK(last_close(s) == errc::protocol_error);
        s.topics["new"] = {id_of(3), {{}}, none};
        s.step(3s);
        s.answer_all();
        CHECK(s.outcomes.back().ok());
    }
}

TEST_CASE(
    "every byte of an answer may be missing: cut anywhere, the session ends in a clear error or goes on")
{
    core_script original;
    original.warm_up();
    original.send("t", "a");
    original.step();
    const auto question = original.take();
    protocol::produce_response response;
    response.responses.push_back({"t", question.only().id, {{0, 0, 12, -1, 0, {}, {}, {}}}});
    std::vector<std::byte> frame;
    REQUIRE(protocol::write_response_frame(frame, response, question.version, question.correlation_id));
    for (std::size_t flipped = 0; flipped < frame.size(); ++flipped) {
        core_script s;
        s.warm_up();
        auto& told = s.send("t", "a");
        s.step();
        auto bytes = frame;
        bytes[flipped] ^= std::byte{0x41};
        s.receive(s.asked.at(0).link, bytes);
        s.asked.clear();
        for (int i = 0; i < 6 && !told.done(); ++i) {
            s.step(31s);
            s.answer_all();
        }
        CHECK(told.times_told == 1);
    }
}

// --- strangers -------------------------------------------------------------------------------------------------------

TEST_CASE("an HTTP server, a TLS port")
{
    core_script s;
    silent(s);
    SUBCASE("HTTP")
    {
        s.receive(s.held.at(0).first, "HTTP/1.1 400 Bad Request\r\n\r\n");
        CHECK(last_close(s) == errc::http_peer);
    }
    SUBCASE("HTML")
    {
        s.receive(s.held.at(0).first, "<html>nginx</html>");
        CHECK(last_close(s) == errc::http_peer);
    }
    SUBCASE("TLS alert")
    {
        s.receive(s.held.at(0).first, std::string_view{"\x15\x03\x03\x00\x02\x02\x46", 7});
        CHECK(last_close(s) == errc::tls_peer);
    }
    CHECK(s.core.last_trouble()->text.find("boot:9000") != std::string::npos);
}

// --- small things ----------------------------------------------------------------------------------------------------

TEST_CASE("events of connections that are over, or never were, are ignored")
{
    core_script s;
    s.warm_up();
    const auto link = s.link_to(9001);
    s.drop(link);
    s.core.connected(link, s.now);
    s.core.written(link, 5, s.now);
    s.core.read(link, 0, s.now);
    s.core.closed(link, errc::disconnected, s.now);
    CHECK(s.core.read_space(link).empty());
    bytes_view views[2];
    CHECK(s.core.gather(link, views) == 0);
    s.core.connected(s.connects.back().link, s.now); // twice
    s.step(1s);
}

TEST_CASE("correlation ids start over after 2^31-1")
{
    core_script s;
    s.warm_up();
    s.core.connections().find(s.link_to(9001))->next_correlation_id = 0x7fffffff;
    for (int i = 0; i < 2; ++i) {
        auto& told = s.send("t", "a");
        s.step();
        CHECK(s.asked.at(0).correlation_id == (i == 0 ? 0x7fffffff : 1));
        s.answer();
        CHECK(told.ok());
    }
}

TEST_CASE("read_buffer: any cut of any stream gives the same bytes, and memory is given back")
{
    read_buffer buffer;
    std::string sent, got;
    random_source random{3};
    for (int i = 0; i < 2000; ++i) {
        const auto space = buffer.space();
        REQUIRE(space.size() >= 2048);
        const auto size = std::min<std::size_t>(space.size(), random.below(4000));
        for (std::size_t j = 0; j < size; ++j) {
            space[j] = static_cast<std::byte>(random.next());
            sent += static_cast<char>(space[j]);
        }
        buffer.commit(size);
        const auto take = random.below(buffer.data().size() + 1);
        got += as_text(buffer.data().first(take));
        buffer.consume(take);
    }
    got += as_text(buffer.data());
    CHECK(got == sent);

    read_buffer large;
    while (large.data().size() < 200'000) large.commit(large.space().size());
    large.consume(large.data().size() - 1);
    large.shrink_if_empty();
    CHECK(large.capacity() > 65536); // a byte is left
    large.consume(1);
    large.shrink_if_empty();
    CHECK(large.capacity() == 0);
    CHECK(large.space().size() >= 2048);
}

} // namespace kurier::core::script
