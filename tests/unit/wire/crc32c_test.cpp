#include <kurier/wire/crc32c.hpp>

#include <doctest/doctest.h>

#include <boost/crc.hpp>

#include <array>
#include <cstddef>
#include <random>
#include <vector>

// One suite over every implementation that this processor can run.

namespace {

using kurier::bytes_view;
using kurier::wire::crc32c_implementation;
using kurier::wire::crc32c_implementations;

std::vector<std::byte> counted(int first, int step, std::size_t count)
{
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = static_cast<std::byte>(first + step * static_cast<int>(i));
    return bytes;
}

std::vector<std::byte> random_bytes(std::size_t count, std::mt19937_64& random)
{
    std::vector<std::byte> bytes(count);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random() & 0xff);
    return bytes;
}

std::uint32_t oracle(bytes_view bytes)
{
    boost::crc_optimal<32, 0x1edc6f41, 0xffffffff, 0xffffffff, true, true> crc;
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

template <class F> void for_each_implementation(F check)
{
    for (const crc32c_implementation& implementation : crc32c_implementations) {
        if (!implementation.runs()) continue;
        INFO("implementation ", implementation.name);
        check(implementation.extend);
    }
}

} // namespace

TEST_CASE("crc32c: vectors of RFC 3720, appendix B.4, and the check value of the CRC catalogues")
{
    const std::array<std::byte, 48> iscsi_read = [] {
        std::array<std::byte, 48> command{};
        command[0] = std::byte{0x01};
        command[1] = std::byte{0xc0};
        command[16] = std::byte{0x14};
        command[22] = std::byte{0x04};
        command[27] = std::byte{0x14};
        command[31] = std::byte{0x18};
        command[32] = std::byte{0x28};
        command[40] = std::byte{0x02};
        return command;
    }();
    for_each_implementation([&](auto extend) {
        CHECK(extend(0, {}) == 0);
        CHECK(extend(0, counted(0, 0, 32)) == 0x8a9136aa);
        CHECK(extend(0, counted(0xff, 0, 32)) == 0x62a8ab43);
        CHECK(extend(0, counted(0, 1, 32)) == 0x46dd794e);
        CHECK(extend(0, counted(31, -1, 32)) == 0x113fdb5c);
        CHECK(extend(0, iscsi_read) == 0xd9963a56);
        CHECK(extend(0, kurier::as_bytes("123456789")) == 0xe3069283);
    });
}

TEST_CASE("crc32c: every length and alignment up to both joined stretches")
{
    std::mt19937_64 random{1};
    const std::vector<std::byte> bytes = random_bytes(6000, random);
    for_each_implementation([&](auto extend) {
        for (std::size_t length = 0; length < 1300; ++length) {
            const bytes_view part = bytes_view{bytes}.subspan(length % 9, length);
            if (extend(0, part) != oracle(part)) FAIL("length ", length);
        }
        for (std::size_t length = 4500; length < 5500; ++length) {
            const bytes_view part = bytes_view{bytes}.subspan(length % 9, length);
            if (extend(0, part) != oracle(part)) FAIL("length ", length);
        }
    });
}

TEST_CASE("crc32c: any slicing gives the crc of the whole")
{
    std::mt19937_64 random{2};
    const std::vector<std::byte> bytes = random_bytes(20'000, random);
    for_each_implementation([&](auto extend) {
        for (std::size_t cut = 0; cut <= 700; ++cut) {
            const bytes_view whole = bytes_view{bytes}.first(700);
            if (extend(extend(0, whole.first(cut)), whole.subspan(cut)) != oracle(whole))
                FAIL("cut at ", cut);
        }
        for (int round = 0; round < 50; ++round) {
            std::uint32_t crc = 0;
            for (bytes_view left = bytes; !left.empty();) {
                const bytes_view part = left.first(std::min<std::size_t>(left.size(), random() % 7000));
                crc = extend(crc, part);
                left = left.subspan(part.size());
            }
            CHECK(crc == oracle(bytes));
        }
    });
}

TEST_CASE("crc32c: random megabytes agree with Boost.CRC")
{
    std::mt19937_64 random{3};
    for (int round = 0; round < 4; ++round) {
        const std::vector<std::byte> bytes = random_bytes(200'000 + random() % 300'000, random);
        const std::uint32_t expected = oracle(bytes);
        for_each_implementation([&](auto extend) { CHECK(extend(0, bytes) == expected); });
        CHECK(kurier::wire::crc32c(0, bytes) == expected);
    }
}

TEST_CASE("crc32c: usable at compile time")
{
    constexpr std::array<std::byte, 4> bytes{std::byte{'t'}, std::byte{'e'}, std::byte{'s'}, std::byte{'t'}};
    static_assert(kurier::wire::crc32c_portable(0, bytes) == 0x86a072c0);
    CHECK(kurier::wire::crc32c(0, bytes) == 0x86a072c0);
}
