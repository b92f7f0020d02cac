// The format of java.util.Properties; each expectation is what Java reads from the same text.
#include <kurier/config/properties_reader.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace kurier;

namespace {

// "[key=value]" for each entry, then "!" and the problems.
std::string read(std::string_view text)
{
    config_problems problems;
    std::string out;
    for (const auto& entry : properties_reader{text}.read(problems)) {
        out += '[' + entry.key + '=' + entry.value + ']';
    }
    for (const auto& problem : problems) out += '!' + problem.text;
    return out;
}

} // namespace

TEST_CASE("separators: equals sign, colon, blanks")
{
    CHECK(read("a=b") == "[a=b]");
    CHECK(read("a:b") == "[a=b]");
    CHECK(read("a b") == "[a=b]");
    CHECK(read("  a \t=\f b ") == "[a=b ]");
    CHECK(read("a = = b") == "[a== b]");
    CHECK(read("a : = b") == "[a== b]");
    CHECK(read("a b=c") == "[a=b=c]");
    CHECK(read("a") == "[a=]");
    CHECK(read("a=") == "[a=]");
    CHECK(read("=b") == "[=b]");
    CHECK(read("a\\=b=c") == "[a=b=c]");
    CHECK(read("a\\ b c") == "[a b=c]");
    CHECK(read("a\\\\=c") == "[a\\=c]");
}

TEST_CASE("comments and empty lines")
{
    CHECK(read("") == "");
    CHECK(read("\n \t\f\n\r\n") == "");
    CHECK(read("# a=b\n! c=d\n e=f") == "[e=f]");
    CHECK(read("#a=b \\\nc=d") == "[c=d]");
    CHECK(read("a=b # no comment") == "[a=b # no comment]");
    CHECK(read("#") == "");
}

TEST_CASE("line ends of all systems")
{
    CHECK(read("a=b\nc=d\n") == "[a=b][c=d]");
    CHECK(read("a=b\r\nc=d\r\n") == "[a=b][c=d]");
    CHECK(read("a=b\rc=d\r") == "[a=b][c=d]");
}

TEST_CASE("continued lines")
{
    CHECK(read("a=b\\\n   c") == "[a=bc]");
    CHECK(read("a=b\\\r\n\tc") == "[a=bc]");
    CHECK(read("a=b\\\\\nc") == "[a=b\\][c=]");
    CHECK(read("a=b\\\\\\\nc") == "[a=b\\c]");
    CHECK(read("a=b\\\n\nc=d") == "[a=b][c=d]");
    CHECK(read("a=b\\\n#c") == "[a=b#c]");
    CHECK(read("\\\n#c\na=b") == "[a=b]");
    CHECK(read("a=b\\") == "[a=b]");
    CHECK(read("a=b\\\n") == "[a=b]");
    CHECK(read("a\\\n=b") == "[a=b]");
    CHECK(read("bootstrap.servers=a:1,\\\n                  b:2") == "[bootstrap.servers=a:1,b:2]");
}

TEST_CASE("escapes")
{
    CHECK(read("a=\\t\\n\\r\\f\\\\\\q\\:\\=") == "[a=\t\n\r\f\\q:=]");
    CHECK(read("a=\\u0041\\u00e9\\u20AC\\ud83d\\ude00") == "[a=A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80]");
    CHECK(read("\\u0061=b") == "[a=b]");
    CHECK(read("a=\xc3\xa9") == "[a=\xc3\xa9]");
    CHECK(read("a=\\u00zz").starts_with("!line 1: \\u needs four hexadecimal digits"));
    CHECK(read("a=1\nb=\\u1").starts_with("[a=1]!line 2: \\u needs"));
    CHECK(read("a=\\ud83d").starts_with("!line 1: \\u with half of a surrogate pair"));
    CHECK(read("a=\\ud83d\\u0041").starts_with("!line 1: \\u with half of a surrogate pair"));
    CHECK(read("a=\\ude00").starts_with("!line 1: \\u with half of a surrogate pair"));
}

TEST_CASE("an entry knows the line where it begins")
{
    config_problems problems;
    const auto entries = properties_reader{"# one\n\na=b\\\n c\r\nd=e\rf=g"}.read(problems);
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].line == 3);
    CHECK(entries[1].line == 5);
    CHECK(entries[2].line == 6);
}

TEST_CASE("a byte order mark is passed over")
{
    CHECK(read("\xef\xbb\xbf"
               "a=b") == "[a=b]");
}

TEST_CASE("hostile texts end quickly and with a problem")
{
    const std::string too_large(properties_size_max + 1, 'a');
    CHECK(read(too_large) == "!the properties have 1048577 bytes; at most 1048576 are read");
    std::string continuations;
    while (continuations.size() < properties_size_max - 2) continuations += "\\\n";
    CHECK(read(continuations) == "");
    std::string broken;
    while (broken.size() < properties_size_max - 10) broken += "a=\\u\n";
    config_problems problems;
    static_cast<void>(properties_reader{broken}.read(problems));
    CHECK(problems.size() == properties_problems_max);
}
