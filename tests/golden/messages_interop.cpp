// Messages exchanged with Kafka's own classes (GoldenVectors.java):
//
//   messages_interop apis                    what kurier speaks: KEY:LOW-HIGH for each API
//   messages_interop write FILE COUNT SEED   COUNT random messages of each API, version and direction
//   messages_interop check FILE              decodes every message, encodes it again, compares the bytes
//   messages_interop corpus FILE DIR         makes seeds for tests/fuzz/decode_message_fuzz.cpp of a file

#include "message_lines.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

namespace {

using namespace kurier::tests;

void print_apis()
{
    for_each_message(
        []<class Message>() {
            std::cout << Message::api_key << ':' << Message::valid.lo << '-' << Message::valid.hi << '\n';
        },
        kurier::protocol::requests{});
}

template <bool Request, class List> void write(std::ofstream& out, message_maker& maker, int count, List list)
{
    for_each_message(
        [&]<class Message>() {
            for (auto version = Message::valid.lo; version <= Message::valid.hi; ++version)
                for (int i = 0; i < count; ++i)
                    out << to_text({Request, Message::api_key, version,
                                    encoded(maker.make<Message>(version), version)})
                        << '\n';
        },
        list);
}

int check(const char* file)
{
    std::ifstream in{file};
    std::size_t good = 0, bad = 0;
    for (std::string text; std::getline(in, text);) {
        const auto line = parse_message_line(text);
        if (!line) {
            if (!text.starts_with('#')) ++bad;
        } else if (recoded(*line) == line->bytes) {
            ++good;
        } else if (++bad <= 10) {
            std::cout << text << "\n    is not the same after decoding and encoding\n";
        }
    }
    std::cout << "kurier reads Java's messages: " << good << " passed, " << bad << " failed\n";
    return bad == 0 && good > 0 ? 0 : 1;
}

// Two bytes in front say which message it is, as the fuzzer reads them.
int write_corpus(const char* file, const std::string& folder)
{
    std::ifstream in{file};
    std::size_t number = 0;
    for (std::string text; std::getline(in, text);) {
        const auto line = parse_message_line(text);
        if (!line) continue;
        std::uint8_t place = 0, found = 0, lowest = 0;
        const auto look = [&]<class Message>() {
            if (Message::api_key == line->key) {
                found = place;
                lowest = static_cast<std::uint8_t>(Message::valid.lo);
            }
            ++place;
        };
        for_each_message(look, kurier::protocol::requests{});
        std::ofstream out{folder + "/message-" + std::to_string(++number), std::ios::binary};
        out.put(static_cast<char>(found | (line->request ? 0x80 : 0)));
        out.put(static_cast<char>(line->version - lowest));
        out.write(reinterpret_cast<const char*>(line->bytes.data()), std::ssize(line->bytes));
    }
    return number > 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "apis" && argc == 2) {
        print_apis();
    } else if (mode == "check" && argc == 3) {
        return check(argv[2]);
    } else if (mode == "corpus" && argc == 4) {
        return write_corpus(argv[2], argv[3]);
    } else if (mode == "write" && argc == 5) {
        std::ofstream out{argv[2]};
        message_maker maker{std::strtoull(argv[4], nullptr, 10)};
        write<true>(out, maker, std::atoi(argv[3]), kurier::protocol::requests{});
        write<false>(out, maker, std::atoi(argv[3]), kurier::protocol::responses{});
        return out.flush() ? 0 : 1;
    } else {
        std::cerr << "messages_interop apis | write FILE COUNT SEED | check FILE | corpus FILE DIR\n";
        return 2;
    }
}
