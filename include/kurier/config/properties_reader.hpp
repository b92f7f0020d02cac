// Text as Java's Properties.load has it: "key=value", "key: value" or "key value", comments, escapes, lines
// continued by a backslash. Bytes above 127 are taken as they come, so that UTF-8 stays UTF-8. All work is
// linear in the size of the text, which is limited.
#pragma once

#include <kurier/config/problem.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

struct property
{
    property(std::string name, std::string content, int first_line)
        : key{std::move(name)}, value{std::move(content)}, line{first_line}
    {}

    std::string key;
    std::string value;
    int line; // where it begins, from 1
};

inline constexpr std::size_t properties_size_max = 1024 * 1024;
inline constexpr std::size_t properties_problems_max = 100;

class properties_reader
{
public:
    explicit properties_reader(std::string_view text) : rest_{text}
    {
        constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
        if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
        if (text.size() > properties_size_max) {
            problem(0, "the properties have " + std::to_string(text.size()) + " bytes; at most " +
                           std::to_string(properties_size_max) + " are read");
            rest_ = {};
        }
    }

    // In the order of the text, repeated keys included.
    std::vector<property> read(config_problems& problems)
    {
        std::vector<property> properties;
        while (next_line() && problems_.size() < properties_problems_max) {
            auto [key, value] = split(line_);
            std::string key_text;
            std::string value_text;
            if (unescape(key, key_text) && unescape(value, value_text)) {
                properties.emplace_back(std::move(key_text), std::move(value_text), first_line_);
            }
        }
        problems.insert(problems.end(), problems_.begin(), problems_.end());
        return properties;
    }

private:
    static constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }
    static constexpr bool ends_line(char c) { return c == '\n' || c == '\r'; }

    void problem(int line, std::string text)
    {
        if (line > 0) text = "line " + std::to_string(line) + ": " + text;
        problems_.emplace_back(config_severity::error, "", std::move(text));
    }

    void skip_blanks()
    {
        while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
    }

    void skip_line_end()
    {
        const bool two = rest_.starts_with("\r\n");
        if (!rest_.empty()) rest_.remove_prefix(two ? 2 : 1);
        ++line_number_;
    }

    // Collects a line with its continuations in line_; false at the end of the text.
    bool next_line()
    {
        line_.clear();
        while (line_.empty()) { // a backslash alone continues nothing: the next line is a new one
            if (!find_line()) return false;
            first_line_ = line_number_;
            while (take_natural_line()) {
                skip_blanks();
                if (line_.empty()) break;
            }
        }
        return true;
    }

    // Goes to the first character that isn't blank or part of a comment. A comment can't be continued.
    bool find_line()
    {
        for (skip_blanks(); !rest_.empty(); skip_blanks()) {
            const char c = rest_.front();
            if (c == '#' || c == '!') {
                rest_.remove_prefix(std::min(rest_.find_first_of("\r\n"), rest_.size()));
            } else if (ends_line(c)) {
                skip_line_end();
            } else {
                return true;
            }
        }
        return false;
    }

    // Appends up to the end of the line; true when a backslash continues it.
    bool take_natural_line()
    {
        const auto size = std::min(rest_.find_first_of("\r\n"), rest_.size());
        const auto piece = rest_.substr(0, size);
        rest_.remove_prefix(size);
        std::size_t backslashes = 0;
        while (backslashes < piece.size() && piece[piece.size() - 1 - backslashes] == '\\') ++backslashes;
        const bool continued = backslashes % 2 == 1;
        line_.append(piece.substr(0, piece.size() - (continued ? 1 : 0)));
        if (rest_.empty()) return false;
        skip_line_end();
        return continued;
    }

    static std::pair<std::string_view, std::string_view> split(std::string_view line)
    {
        std::size_t key_end = 0;
        bool escaped = false;
        for (; key_end < line.size(); ++key_end) {
            const char c = line[key_end];
            if (!escaped && (c == '=' || c == ':' || is_blank(c))) break;
            escaped = c == '\\' && !escaped;
        }
        const auto key = line.substr(0, key_end);
        line.remove_prefix(key_end);
        bool separated = false;
        while (!line.empty()) {
            const char c = line.front();
            if (!separated && (c == '=' || c == ':')) {
                separated = true;
            } else if (!is_blank(c)) {
                break;
            }
            line.remove_prefix(1);
        }
        return {key, line};
    }

    bool unescape(std::string_view text, std::string& out)
    {
        out.reserve(text.size());
        while (!text.empty()) {
            const char c = text.front();
            text.remove_prefix(1);
            if (c != '\\') {
                out += c;
                continue;
            }
            if (text.empty()) break;
            const char escaped = text.front();
            text.remove_prefix(1);
            if (escaped == 'u') {
                if (!take_unicode(text, out)) return false;
            } else {
                out += meaning(escaped);
            }
        }
        return true;
    }

    static constexpr char meaning(char escaped)
    {
        switch (escaped) {
        case 't':
            return '\t';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 'f':
            return '\f';
        default:
            return escaped;
        }
    }

    static bool take_hex(std::string_view& text, std::uint32_t& unit)
    {
        if (text.size() < 4) return false;
        unit = 0;
        for (const char c : text.substr(0, 4)) {
            const auto digit = std::string_view{"0123456789abcdef"}.find(
                c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c);
            if (digit == std::string_view::npos) return false;
            unit = unit * 16 + static_cast<std::uint32_t>(digit);
        }
        text.remove_prefix(4);
        return true;
    }

    // Behind "\u": one UTF-16 unit, or a surrogate pair as two of them.
    bool take_unicode(std::string_view& text, std::string& out)
    {
        std::uint32_t code = 0;
        if (!take_hex(text, code)) {
            problem(first_line_, "\\u needs four hexadecimal digits; write a backslash itself as \\\\");
            return false;
        }
        if (code >= 0xd800 && code < 0xe000) {
            std::uint32_t low = 0;
            const bool second = text.starts_with("\\u");
            if (second) text.remove_prefix(2);
            if (code >= 0xdc00 || !second || !take_hex(text, low) || low < 0xdc00 || low >= 0xe000) {
                problem(first_line_, "\\u with half of a surrogate pair; both halves must follow each other");
                return false;
            }
            code = 0x10000 + ((code - 0xd800) << 10u) + (low - 0xdc00);
        }
        append_utf8(out, code);
        return true;
    }

    static void append_utf8(std::string& out, std::uint32_t code)
    {
        const auto continuation = [&](unsigned shift) {
            return static_cast<char>(0x80u | ((code >> shift) & 0x3fu));
        };
        if (code < 0x80) {
            out += static_cast<char>(code);
        } else if (code < 0x800) {
            out += static_cast<char>(0xc0u | (code >> 6u));
            out += continuation(0);
        } else if (code < 0x10000) {
            out += static_cast<char>(0xe0u | (code >> 12u));
            out += continuation(6);
            out += continuation(0);
        } else {
            out += static_cast<char>(0xf0u | (code >> 18u));
            out += continuation(12);
            out += continuation(6);
            out += continuation(0);
        }
    }

    std::string_view rest_;
    std::string line_;
    int line_number_ = 1;
    int first_line_ = 1;
    config_problems problems_;
};

} // namespace kurier::inline KURIER_ABI
