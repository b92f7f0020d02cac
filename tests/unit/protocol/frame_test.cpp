#include <kurier/protocol/frame.hpp>

#include <kurier/protocol/messages.hpp>

#include "../../support/bytes_of.hpp"

#include <doctest/doctest.h>

namespace {

using namespace kurier::protocol;
using kurier::bytes_view;
using kurier::tests::bytes_of;

bool flexible_from_nine(std::int16_t, std::int16_t version)
{
    return version >= 9;
}

} // namespace

TEST_CASE("a request frame: size, header version 1 or 2, message")
{
    metadata_request request;
    request.topics.emplace();
    auto frame = bytes_of({0xee}); // what the buffer holds already stays
    CHECK(write_request_frame(frame, request, 8, 5, "me"));
    CHECK(frame ==
          bytes_of({0xee, 0, 0, 0, 19, 0, 3, 0, 8, 0, 0, 0, 5, 0, 2, 'm', 'e', 0, 0, 0, 0, 1, 0, 0}));
    frame.clear();
    CHECK(
        write_request_frame(frame, request, 9, 5, "me")); // the client id isn't compact, the header has tags
    CHECK(frame == bytes_of({0, 0, 0, 18, 0, 3, 0, 9, 0, 0, 0, 5, 0, 2, 'm', 'e', 0, 1, 1, 0, 0, 0}));
}

TEST_CASE("a request that can't be encoded leaves no half of a frame")
{
    init_producer_id_request request;
    request.transactional_id.emplace(40'000, 'x');
    auto frame = bytes_of({1, 2, 3});
    CHECK_FALSE(write_request_frame(frame, request, 1, 5, "me"));
    CHECK(frame == bytes_of({1, 2, 3}));
    request.transactional_id.reset();
    CHECK_FALSE(write_request_frame(frame, request, 1, 5, std::string(40'000, 'x')));
    CHECK(frame == bytes_of({1, 2, 3}));
}

TEST_CASE("the header of a request is read in both versions, with or without a client id")
{
    request_header header;
    const auto plain = bytes_of({0, 3, 0, 8, 0, 0, 0, 5, 0, 2, 'm', 'e', 0xaa});
    kurier::wire::reader first{plain};
    CHECK(take_request_header(first, header, flexible_from_nine));
    CHECK(header.api_key == 3);
    CHECK(header.version == 8);
    CHECK(header.correlation_id == 5);
    CHECK(header.client_id == "me");
    CHECK(first.left() == 1);

    const auto tagged = bytes_of({0, 3, 0, 9, 0, 0, 0, 6, 0xff, 0xff, 1, 7, 2, 1, 2, 0xaa});
    kurier::wire::reader second{tagged};
    CHECK(take_request_header(second, header, flexible_from_nine));
    CHECK_FALSE(header.client_id.has_value());
    CHECK(second.left() == 1);

    for (std::size_t size = 0; size < tagged.size() - 1; ++size) {
        kurier::wire::reader cut{bytes_view{tagged}.first(size)};
        CHECK_FALSE(take_request_header(cut, header, flexible_from_nine));
    }
    const auto negative = bytes_of({0, 3, 0, 8, 0, 0, 0, 5, 0xff, 0xfe, 'm', 'e'});
    kurier::wire::reader third{negative};
    CHECK_FALSE(take_request_header(third, header, flexible_from_nine));
}

TEST_CASE("a response frame: header version 1 before flexible messages, but never before ApiVersions")
{
    init_producer_id_response response;
    std::vector<std::byte> frame;
    CHECK(write_response_frame(frame, response, 1, 5));
    CHECK(frame.size() == 4 + 4 + 16);
    CHECK(decode_response(bytes_view{frame}.subspan(8), 1, response));
    frame.clear();
    CHECK(write_response_frame(frame, response, 2, 5));
    CHECK(frame.size() == 4 + 4 + 1 + 16 + 1);
    CHECK(decode_response(bytes_view{frame}.subspan(8), 2, response));
    for (std::size_t size = 0; size < frame.size() - 8; ++size)
        CHECK_FALSE(decode_response(bytes_view{frame}.subspan(8, size), 2, response));

    for (std::int16_t version = 0; version <= 5; ++version) {
        api_versions_response versions;
        frame.clear();
        CHECK(write_response_frame(frame, versions, version, 5));
        CHECK(frame.size() == 8 + encoded_size(versions, version));
        CHECK(decode_response(bytes_view{frame}.subspan(8), version, versions));
    }
}

TEST_CASE("tags in a response header are skipped")
{
    init_producer_id_response response;
    auto frame = bytes_of({2, 1, 1, 0xaa, 200, 1, 0});
    for (const int byte : {0, 0, 0, 9, 0, 51, 0, 0, 0, 0, 0, 0, 0, 42, 0, 3, 0})
        frame.push_back(static_cast<std::byte>(byte));
    CHECK(decode_response(frame, 4, response));
    CHECK(response == init_producer_id_response{9, 51, 42, 3});
    frame.push_back(std::byte{7});
    CHECK(decode_response(frame, 4, response)); // what is behind the response is nobody's business
    CHECK(response == init_producer_id_response{9, 51, 42, 3});
}
