#include <kurier/secret.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unistd.h>

namespace {

using namespace kurier;

template <class T>
concept printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!printable<secret> && !printable<secret_bytes>);
static_assert(!std::is_copy_constructible_v<secret_bytes> && !std::is_convertible_v<std::string, secret>);
static_assert(!std::is_convertible_v<secret, std::string> && !std::is_convertible_v<secret, bool>);

std::string why_not(const secret& from)
{
    try {
        (void)from.read();
    } catch (const boost::system::system_error& refused) {
        CHECK(refused.code() == errc::credential_unavailable);
        return refused.what();
    }
    return "it can be read";
}

bool contains(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}

struct temporary_file
{
    temporary_file()
    {
        const int file = mkstemp(path.data());
        REQUIRE(file >= 0);
        ::close(file);
    }
    ~temporary_file() { std::remove(path.c_str()); }
    void put(std::string_view text) const { std::ofstream{path, std::ios::binary} << text; }

    std::string path = "/tmp/kurier-secret-XXXXXX";
};

} // namespace

TEST_CASE("a literal is read as often as one likes, and its string holds nothing any more")
{
    std::string text(100, 'x');
    auto bytes = secret_bytes::taken_from(text);
    CHECK(as_text(bytes.view()) == std::string(100, 'x'));
    CHECK(text.empty());
    CHECK(std::string_view{text.data(), 100} == std::string(100, '\0'));

    const auto password = secret::literal("open sesame");
    CHECK(as_text(password.read().view()) == "open sesame");
    CHECK(as_text(password.read().view()) == "open sesame");
    CHECK(password.whence() == "the configuration");
    CHECK(secret::literal("").read().empty());
}

TEST_CASE("a file is read anew each time, without the line break at its end")
{
    const temporary_file file;
    const auto password = secret::from_file(file.path);
    file.put("first\n");
    CHECK(as_text(password.read().view()) == "first");
    file.put("second\r\n");
    CHECK(as_text(password.read().view()) == "second");
    file.put(" two\n\n");
    CHECK(as_text(password.read().view()) == " two\n"); // only one
    file.put(std::string(secret::size_max, 'a') + "\r\n");
    CHECK(password.read().size() == secret::size_max);
    CHECK(password.whence() == "the file " + file.path);
}

TEST_CASE("a secret that can't be had says whence and why, and nothing of itself")
{
    const temporary_file file;
    CHECK(contains(why_not(secret::from_file(file.path)), "is empty"));
    file.put("\n");
    CHECK(contains(why_not(secret::from_file(file.path)), "is empty"));
    file.put(std::string(secret::size_max + 1, 'a'));
    CHECK(contains(why_not(secret::from_file(file.path)), "has more than 65536 bytes"));
    CHECK(contains(why_not(secret::from_file("/nowhere/at/all")),
                   "/nowhere/at/all can't be read: No such file"));
    CHECK(contains(why_not(secret::from_file("/")), "can't be read"));
    CHECK(contains(why_not(secret::from_environment("KURIER_TEST_NONE")), "KURIER_TEST_NONE is not set"));
    CHECK(contains(why_not({}), "there is none"));
    CHECK_FALSE(contains(why_not(secret::literal(std::string(70000, 'a'))), "aa"));
}

TEST_CASE("from the environment and from a callback, as they are at the time")
{
    ::setenv("KURIER_TEST_SECRET", "one", 1);
    const auto variable = secret::from_environment("KURIER_TEST_SECRET");
    CHECK(as_text(variable.read().view()) == "one");
    ::setenv("KURIER_TEST_SECRET", "two", 1);
    CHECK(as_text(variable.read().view()) == "two");
    ::unsetenv("KURIER_TEST_SECRET");

    int calls = 0;
    const auto fetched = secret::from_callback([&] { return "call " + std::to_string(++calls); });
    CHECK(as_text(fetched.read().view()) == "call 1");
    CHECK(as_text(fetched.read().view()) == "call 2");
    CHECK_THROWS_AS(
        (void)secret::from_callback([]() -> std::string { throw std::runtime_error{"no"}; }).read(),
        std::runtime_error);
}

TEST_CASE("secrets are equal that come from the same place, literals that have the same bytes")
{
    CHECK((secret{} == secret{} && !secret{}));
    CHECK(secret::literal("a") == secret::literal("a"));
    CHECK(secret::literal("a") != secret::literal("b"));
    CHECK(secret::literal("a") != secret::from_file("a"));
    CHECK(secret::literal("a") != secret{});
    CHECK(secret::from_file("a") == secret::from_file("a"));
    CHECK(secret::from_file("a") != secret::from_file("b"));
    CHECK(secret::from_environment("a") == secret::from_environment("a"));
    CHECK(secret::from_environment("a") != secret::from_environment("b"));
    const auto fetched = secret::from_callback([] { return std::string{}; });
    const auto copy = fetched;
    CHECK(copy == fetched);
    CHECK(fetched != secret::from_callback([] { return std::string{}; }));
}

TEST_CASE("bytes are moved, shortened and overwritten")
{
    secret_bytes from{std::string_view{"abcdef"}};
    secret_bytes to{std::move(from)};
    CHECK(from.empty());
    to.shorten(3);
    CHECK(as_text(to.view()) == "abc");
    to.shorten(9);
    CHECK(to.size() == 3);
    to = secret_bytes{std::string_view{"xy"}};
    CHECK(as_text(to.view()) == "xy");
    wipe(to.span());
    CHECK(as_text(to.view()) == std::string_view{"\0\0", 2});
}

#if defined(__linux__)
TEST_CASE("core dumps leave its memory out")
{
    const secret_bytes held{std::string_view{"not for a dump"}};
    const auto address = reinterpret_cast<unsigned long>(held.view().data());
    std::ifstream maps{"/proc/self/smaps"};
    bool inside = false, left_out = false;
    for (std::string line; std::getline(maps, line);) {
        unsigned long from = 0, to = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx", &from, &to) == 2) inside = from <= address && address < to;
        if (inside && line.starts_with("VmFlags:")) left_out = contains(line + ' ', " dd ");
    }
    CHECK(left_out);
}
#endif
