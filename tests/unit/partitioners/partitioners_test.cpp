#include <kurier/partitioners/crc32.hpp>
#include <kurier/partitioners/default.hpp>
#include <kurier/partitioners/fnv1a.hpp>
#include <kurier/partitioners/manual.hpp>
#include <kurier/partitioners/murmur2.hpp>
#include <kurier/partitioners/round_robin.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace kurier;

struct hash_vector
{
    std::string_view key; // hexadecimal
    std::int32_t hash;
};

// What org.apache.kafka.common.utils.Utils.murmur2 of kafka-clients 4.3.1 gives: random keys of every length
// from 0 to 24, some longer ones, and the strings of its own unit test.
constexpr hash_vector murmur2_vectors[] = {
    {"", 275646681},
    {"35", 55100550},
    {"f78a", 1288432276},
    {"e1bbe7", -983584298},
    {"28c0450c", -392157833},
    {"e43c084f4b", 650222576},
    {"839dee466d85", 609540322},
    {"be6a61aa9a0c61", -2055415863},
    {"bd6743e7dc978573", 496582918},
    {"998e685e885cb361f8", -2143606509},
    {"20bebfb01100b2765457", 1749477346},
    {"0f406cc8e3a188fff11059", 239636182},
    {"6fbce62655dfbd6f83b89670", -715584511},
    {"d6d9f9bf52d83deedc0bf66205", 1343331766},
    {"16ad682d8c478a26f45027984959", 434214673},
    {"dd53b3351a572b40f27f72d37f347b", -221833639},
    {"9979162cfa959d2832a46196d92c3046", 1156755985},
    {"97e953c0026cc4a45eb32f92829e8d14ee", 963358898},
    {"edc93517ef7da4c0ce2972cc9b060b08b646", -2060683994},
    {"f3a3a05bb102f732ed235bd1283ed5021192ed", 1371039565},
    {"754300c523675af9b6c4a514cacaa1b6a7367388", 2095085038},
    {"53ee067b87849adf0100aa4a52cc32388c082af3d5", 1894527541},
    {"bcc00bd26fae51303f23fba277b4e0602cbf7e5e9ba8", -853930442},
    {"daa9395cbb3cb06feaf2456f0a5717a6b5bb127579092b", -273274790},
    {"bb5070f331dc11786481868c3667cbd3ed4091091e01aa26a3d1", -219077261},
    {"4955094702341355bc3251cd3d", -1774263238},
    {"e352c9b46df9", -1199154850},
    {"7b259a27854a579adc126df740ee892af24d6f60cb89737b2240f600f9db", -2125882466},
    {"8d9d1fa7fdc4c4e10107de5b1e8d7077e22e068dc13616f8b01562c4acde6b1bf868968656bbf33adac1", 56971399},
    {"3231", -973932308},                                                  // 21
    {"666f6f626172", -790332482},                                          // foobar
    {"612d6c6974746c652d6269742d6c6f6e672d737472696e67", -985981536},      // a-little-bit-long-string
    {"612d6c6974746c652d6269742d6c6f6e6765722d737472696e67", -1486304829}, // a-little-bit-longer-string
    {"6c6b6a683233346c68396669756839307932336f697568736166756a6861646f66323239706872396831396838396838",
     -58897971},                // lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8
    {"616263", 479470107},      // abc
    {"6b61666b61", -798503068}, // kafka
};

std::vector<std::byte> from_hex(std::string_view text)
{
    std::vector<std::byte> out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out.push_back(static_cast<std::byte>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
    return out;
}

std::int32_t choose(auto&& chooser, nullable_bytes key, std::int32_t count, std::string_view topic = "t")
{
    return chooser.partition({.topic = topic, .key = key, .partition_count = count});
}

} // namespace

TEST_CASE("murmur2: Java's vectors")
{
    for (const hash_vector& v : murmur2_vectors) {
        const std::vector<std::byte> key = from_hex(v.key);
        CHECK(static_cast<std::int32_t>(murmur2(key)) == v.hash);
        CHECK(murmur2_partition(key, 17) == (v.hash & 0x7fffffff) % 17);
    }
}

TEST_CASE("murmur2: bytes at any address")
{
    std::string text = "0123456789abcdef";
    const std::string key = text.substr(3);
    CHECK(murmur2(as_bytes(std::string_view{text}.substr(3))) == murmur2(as_bytes(key)));
    static_assert(murmur2({}) == 275646681);
}

TEST_CASE("default_partitioner: murmur2 of the key, null anywhere, empty is a key")
{
    CHECK(choose(default_partitioner{}, "kafka", 12) == (-798503068 & 0x7fffffff) % 12);
    CHECK(choose(default_partitioner{}, "", 12) == 275646681 % 12);
    CHECK(choose(default_partitioner{}, nullptr, 12) == any_partition);
    CHECK(choose(default_partitioner{.ignore_keys = true}, "kafka", 12) == any_partition);
}

TEST_CASE("crc32_partitioner: zlib's CRC-32, null and empty anywhere")
{
    CHECK(crc32(as_bytes("123456789")) == 0xcbf43926);
    CHECK(crc32(as_bytes("kafka")) == 0x5bbc7517);
    CHECK(crc32(as_bytes("giberish123456789")) == 0x7b3a8e3f);
    CHECK(crc32(as_bytes("1234")) == 0x9be3e0a3);
    CHECK(crc32(as_bytes("PreAmbleWillBeRemoved,ThePrePartThatIs")) == 0xddcba83a);
    CHECK(choose(crc32_partitioner{}, "1234", 12) == 7); // a CRC beyond 2^31 is not negative
    CHECK(choose(crc32_partitioner{}, "4", 12) == 4);
    CHECK(choose(crc32_partitioner{}, "", 12) == any_partition);
    CHECK(choose(crc32_partitioner{}, nullptr, 12) == any_partition);
}

TEST_CASE("fnv1a_partitioner: the absolute hash, null anywhere, empty is a key")
{
    // The values that librdkafka and Sarama agree on.
    const std::int32_t all = 0x7fffffff;
    CHECK(choose(fnv1a_partitioner{}, "kafka", all) == 0xd33c4e1);
    CHECK(choose(fnv1a_partitioner{}, "giberish123456789", all) == 0x77a58295);
    CHECK(choose(fnv1a_partitioner{}, "1234", all) == 0x23bdd03);
    CHECK(choose(fnv1a_partitioner{}, "234", all) == 0x2dea3cd2);
    CHECK(choose(fnv1a_partitioner{}, "34", all) == 0x740fa83e);
    CHECK(choose(fnv1a_partitioner{}, "4", all) == 0x310ca263);
    CHECK(choose(fnv1a_partitioner{}, "PreAmbleWillBeRemoved,ThePrePartThatIs", all) == 0x65cbd69c);
    CHECK(choose(fnv1a_partitioner{}, "reAmbleWillBeRemoved,ThePrePartThatIs", all) == 0x6e49c79a);
    CHECK(choose(fnv1a_partitioner{}, "", all) == 0x7ee3623b);
    CHECK(choose(fnv1a_partitioner{}, nullptr, all) == any_partition);
}

TEST_CASE("round_robin_partitioner: each in turn, topic by topic, without those that have no leader")
{
    round_robin_partitioner chooser;
    for (std::int32_t i = 0; i < 9; ++i) CHECK(choose(chooser, "key", 3) == i % 3);
    CHECK(choose(chooser, nullptr, 3, "another") == 0);
    const std::array<std::int32_t, 2> available{1, 4};
    const partition_query query{.topic = "third", .partition_count = 5, .available = available};
    for (std::int32_t expected : {1, 4, 1, 4}) CHECK(chooser.partition(query) == expected);
    CHECK(query.has_leader(4));
    CHECK_FALSE(query.has_leader(2));
}

TEST_CASE("manual_partitioner: a number that no topic has")
{
    CHECK(choose(manual_partitioner{}, "key", 3) == no_partition);
}

namespace {

struct aware
{
    std::int32_t partition(const partition_query&) noexcept { return 0; }
    void on_new_batch(std::string_view, std::int32_t) noexcept {}
};
struct throwing
{
    std::int32_t partition(const partition_query&) { return 0; }
};
struct wide
{
    long partition(const partition_query&) noexcept { return 0; }
};

} // namespace

TEST_CASE("partitioner: models and non-models of the concepts")
{
    static_assert(check_partitioner<aware>() && batch_aware_partitioner<aware>);
    static_assert(!batch_aware_partitioner<default_partitioner>);
    static_assert(!partitioner<throwing>);
    static_assert(!partitioner<wide>);
    static_assert(!partitioner<int>);
}
