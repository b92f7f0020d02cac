#include <kurier/wire/escape.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

using kurier::wire::escape;
using kurier::wire::is_printable;

TEST_CASE("plain text and UTF-8 stay as they are")
{
    for (const std::string_view text : {"", "a b", "\"'%", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                        "\xc2\xa0", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) {
        CAPTURE(text);
        CHECK(escape(text) == text);
        CHECK(is_printable(text));
    }
}

TEST_CASE("control characters, also those of eight bits and line separators, are written out")
{
    CHECK(escape("a\r\n\tb") == "a\\r\\n\\tb");
    CHECK(escape(std::string_view{"\0\x01\x1f\x7f", 4}) == "\\x00\\x01\\x1f\\x7f");
    CHECK(escape("\xc2\x9b"
                 "31m") == "\\xc2\\x9b31m");
    CHECK(escape("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");
    CHECK(escape("\xe2\x80\xa9") == "\\xe2\\x80\\xa9");
    CHECK(escape("\xe2\x80\x94") == "\xe2\x80\x94"); // a dash, beside them
    CHECK(escape("\\x1b") == "\\\\x1b");
}

TEST_CASE("broken UTF-8 is written out: cut off, overlong, surrogates, too large")
{
    CHECK(escape("\xc3") == "\\xc3");
    CHECK(escape("\xc3(") == "\\xc3(");
    CHECK(escape("\x80") == "\\x80");
    CHECK(escape("\xc0\xaf") == "\\xc0\\xaf");
    CHECK(escape("\xe0\x9f\xbf") == "\\xe0\\x9f\\xbf");
    CHECK(escape("\xed\xa0\x80") == "\\xed\\xa0\\x80");
    CHECK(escape("\xf0\x8f\xbf\xbf") == "\\xf0\\x8f\\xbf\\xbf");
    CHECK(escape("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
    CHECK(escape("\xf0\x9f\x98") == "\\xf0\\x9f\\x98");
    CHECK(escape("\xff\xfe") == "\\xff\\xfe");
}

TEST_CASE("a long text is cut, never within a character")
{
    CHECK(escape("abcdef", 3) == "abc...");
    CHECK(escape("abc", 3) == "abc");
    CHECK(escape("ab\xe2\x82\xac"
                 "d",
                 3) == "ab\xe2\x82\xac...");
    CHECK(escape(std::string(1000, '\n')).size() == 512 * 2 + 3);
}

TEST_CASE("whatever comes in, what goes out is printable")
{
    std::mt19937 random{5};
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        for (auto size = random() % 40; size > 0; --size) text += static_cast<char>(random() % 256);
        CHECK(is_printable(escape(text)));
        if (is_printable(text) && text.find('\\') == std::string::npos) CHECK(escape(text) == text);
    }
}
