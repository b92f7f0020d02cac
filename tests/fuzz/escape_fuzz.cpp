// libFuzzer: whatever text comes from the network, what is made of it is printable, says the same, and has an end. The
// first two bytes choose how much of the text is wanted.
#include "allocation_guard.hpp"
#include "input.hpp"

#include <kurier/wire/escape.hpp>

#include <string>
#include <string_view>

namespace {

using kurier::fuzz::require;

unsigned digit(char c)
{
    require((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}

std::string unescaped(std::string_view text)
{
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            plain += text[i];
            continue;
        }
        require(++i < text.size());
        switch (text[i]) {
        case '\\':
            plain += '\\';
            break;
        case 'n':
            plain += '\n';
            break;
        case 'r':
            plain += '\r';
            break;
        case 't':
            plain += '\t';
            break;
        default:
            require(text[i] == 'x' && i + 2 < text.size());
            plain += static_cast<char>(digit(text[i + 1]) << 4 | digit(text[i + 2]));
            i += 2;
        }
    }
    return plain;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace kurier;
    fuzz::input in{data, size};
    const std::size_t wanted = in.number<std::uint16_t>();
    const auto text = as_text(in.rest());
    const auto escaped = wire::escape(text, wanted);
    require(wire::is_printable(escaped));
    require(escaped.size() <= 4 * (wanted + 3) + 3); // the last character may be of four bytes
    require(wire::is_printable(wire::escape(text)));

    const auto whole = wire::escape(text, text.size());
    require(unescaped(whole) == text);
    require(wire::is_printable(text) == (whole.size() == text.size()) || text.find('\\') != text.npos);
    if (wanted >= text.size()) {
        require(escaped == whole);
    } else {
        // Cut between two characters: "..." stands for something.
        const bool cut = escaped.ends_with("...");
        const auto kept = std::string_view{escaped}.substr(0, escaped.size() - (cut ? 3 : 0));
        require(whole.starts_with(kept));
    }
    return 0;
}
