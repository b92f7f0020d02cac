// Messages that Kafka's own classes wrote (tests/golden/run says how): read and written again they are the same.
#include <kurier/protocol/messages.hpp>

#include "../../golden/message_lines.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>
#include <tuple>

TEST_CASE("messages written by Kafka are read, and written byte for byte the same")
{
    using namespace kurier::tests;
    std::ifstream file{"tests/golden/messages.txt"};
    REQUIRE(file);
    std::map<std::tuple<bool, int, int>, int> seen;
    for (std::string text; std::getline(file, text);) {
        if (text.starts_with('#')) continue;
        CAPTURE(text);
        const auto line = parse_message_line(text);
        REQUIRE(line);
        REQUIRE(recoded(*line) == line->bytes);
        ++seen[{line->request, line->key, line->version}];
    }
    for_each_version([&]<class Message>(std::int16_t version) { // none is forgotten
        CAPTURE(Message::api_key);
        CAPTURE(version);
        CHECK(seen[{true, Message::api_key, version}] >= 10);
        CHECK(seen[{false, Message::api_key, version}] >= 10);
    });
}
