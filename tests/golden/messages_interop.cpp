// Messages exchanged with Kafka's own classes (GoldenVectors.java):
//
//   messages_interop apis                    what kurier speaks: KEY:LOW-HIGH for each API
//   messages_interop write FILE COUNT SEED   COUNT random messages of each API, version and direction
//   messages_interop check FILE              decodes every message, encodes it again, compares the bytes

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

} // namespace

int main(int argc, char** argv)
{
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "apis" && argc == 2) {
        print_apis();
    } else if (mode == "check" && argc == 3) {
        return check(argv[2]);
    } else if (mode == "write" && argc == 5) {
        std::ofstream out{argv[2]};
        message_maker maker{std::strtoull(argv[4], nullptr, 10)};
        write<true>(out, maker, std::atoi(argv[3]), kurier::protocol::requests{});
        write<false>(out, maker, std::atoi(argv[3]), kurier::protocol::responses{});
        return out.flush() ? 0 : 1;
    } else {
        std::cerr << "messages_interop apis | write FILE COUNT SEED | check FILE\n";
        return 2;
    }
}
