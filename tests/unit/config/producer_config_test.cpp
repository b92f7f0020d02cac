#include <kurier/config/validation.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/properties.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

using namespace kurier;
using namespace std::chrono_literals;

namespace {

std::string problems_of(const producer_config& config)
{
    std::string out;
    for (const auto& problem : validate(config)) {
        out += (problem.severity == config_severity::error ? "> " : "? ") + problem.text + '\n';
    }
    return out;
}

} // namespace

TEST_CASE("the example of the documentation")
{
    producer_config config{"localhost:9092"};
    config.linger = 10ms;
    config.acks = acks::all;
    CHECK(validate(config).empty());
    CHECK(config.bootstrap_servers == std::vector<std::string>{"localhost:9092"});
}

TEST_CASE("several servers, with blanks, IPv6, listener names and trailing dots")
{
    const producer_config config{" kafka1:9092 ,kafka2.example.com.:9093,[2001:db8::1]:9094,[fe80::1%eth0]:1,"
                                 "PLAINTEXT://10.0.0.1:65535"};
    CHECK(problems_of(config) == "");
    const auto servers = bootstrap_addresses(config);
    REQUIRE(servers.size() == 5);
    CHECK(servers[0] == server_address{"kafka1", 9092});
    CHECK(servers[1] == server_address{"kafka2.example.com.", 9093});
    CHECK(servers[2] == server_address{"2001:db8::1", 9094});
    CHECK(servers[3] == server_address{"fe80::1%eth0", 1});
    CHECK(servers[4] == server_address{"10.0.0.1", 65535});
    CHECK(to_string(servers[0]) == "kafka1:9092");
    CHECK(to_string(servers[2]) == "[2001:db8::1]:9094");
}

TEST_CASE("idempotence is on unless acks or retries are set against it, as in Java's producer")
{
    producer_config config{"localhost:9092"};
    CHECK(config.idempotent());
    CHECK(*resolved(config).enable_idempotence);
    config.acks = acks::leader;
    CHECK_FALSE(config.idempotent());
    config.acks = acks::all;
    config.retries = 0;
    CHECK_FALSE(*resolved(config).enable_idempotence);
    config.retries = 1;
    config.enable_idempotence = false;
    CHECK_FALSE(config.idempotent());
    config.max_in_flight_requests_per_connection = 100;
    CHECK(validate(config).empty());
    config.acks = acks::none;
    CHECK(validate(config).empty());
}

TEST_CASE("typed values out of range are named with Kafka's key")
{
    producer_config config{"localhost:9092"};
    config.linger = -1ms;
    config.acks = static_cast<acks>(7);
    config.compression_type = static_cast<compression>(9);
    config.compression_zstd_level = 23;
    config.max_request_size = std::numeric_limits<std::size_t>::max();
    config.enable_idempotence = false;
    CHECK(problems_of(config) ==
          "> acks=7 is out of range; allowed: all, -1, 0 or 1; the default is all\n"
          "> linger.ms=-1 is out of range; allowed: at least 0 ms; the default is 5\n"
          "> max.request.size=9223372036854775807 is out of range; allowed: 1 to 2147483647 bytes; the "
          "default is "
          "1048576\n"
          "> compression.type=9 is out of range; allowed: none, gzip, snappy, lz4, zstd or auto; the default "
          "is "
          "none\n"
          "> compression.zstd.level=23 is out of range; allowed: -131072 to 22; the default is 3\n");
}

TEST_CASE("every setting refuses what is just below and just above its range")
{
    for (const auto& row : detail::setting_rows) {
        if (row.kind != detail::setting_kind::number && row.kind != detail::setting_kind::bytes &&
            row.kind != detail::setting_kind::milliseconds) {
            continue;
        }
        CAPTURE(row.key);
        CHECK(detail::is_allowed(row, row.min));
        CHECK(detail::is_allowed(row, row.max));
        CHECK(detail::is_allowed(row, row.get(producer_config{})));
        const bool below = row.key == "compression.gzip.level"; // 0 is refused, -1 is not
        CHECK(detail::is_allowed(row, row.min - 2) == below);
        CHECK_FALSE(detail::is_allowed(row, row.min - 1));
        if (row.max < detail::long_max) CHECK_FALSE(detail::is_allowed(row, row.max + 1));
    }
}

TEST_CASE("an empty configuration asks for servers only")
{
    CHECK(
        problems_of(producer_config{}) ==
        "> bootstrap.servers is empty; name at least one broker as host:port, for instance localhost:9092\n");
}

TEST_CASE("typed client ids that a text can't have")
{
    producer_config config{"localhost:9092"};
    config.client_id = " web";
    CHECK(problems_of(config) ==
          "> client.id=\" web\" begins or ends with a blank, which a properties file can't say\n");
    config.client_id = std::string(32768, 'x');
    CHECK(problems_of(config).find("has 32768 bytes; Kafka's protocol carries at most 32767") !=
          std::string::npos);
    config.client_id = std::string("a\0b", 3);
    CHECK(problems_of(config).find("control characters") != std::string::npos);
    config.client_id = "caf\xc3\xa9-\xf0\x9f\x93\x9a";
    CHECK(problems_of(config) == "");
}

TEST_CASE("resolved: endless durations are finite, and sums of them can't overflow")
{
    producer_config config{"localhost:9092"};
    const std::chrono::milliseconds endless{std::numeric_limits<std::int64_t>::max()};
    config.linger = endless;
    config.max_block = endless;
    config.connections_max_idle = -1ms;
    config.metadata_max_age = endless;
    const auto actual = resolved(config);
    CHECK(actual.linger == detail::duration_max);
    CHECK(actual.connections_max_idle == detail::duration_max);
    CHECK(actual.delivery_timeout == std::chrono::milliseconds{2147483647});
    CHECK(std::chrono::nanoseconds{actual.max_block} * 10 > 0ns);
    CHECK_FALSE(has_errors(validate(config)));
}

TEST_CASE("resolved: limits that depend on each other agree")
{
    producer_config config{"localhost:9092"};
    config.request_timeout = 200s;
    config.buffer_memory = 65536;
    config.retry_backoff = 5s;
    config.reconnect_backoff_max = 10ms;
    config.socket_connection_setup_timeout = 60s;
    const auto actual = resolved(config);
    CHECK(actual.delivery_timeout == 200'005ms);
    CHECK(actual.batch_size == 65536);
    CHECK(actual.retry_backoff == 1s);
    CHECK(actual.reconnect_backoff == 10ms);
    CHECK(actual.socket_connection_setup_timeout == 30s);
    CHECK(resolved(actual) == actual);
    CHECK(resolved(producer_config{"a:1"}).batch_size == default_batch_size);
}

TEST_CASE("codecs and levels, for all topics and for some")
{
    producer_config config{"localhost:9092"};
    config.compression_type = compression::lz4;
    config.compression_topics.emplace_back("orders", compression::zstd, 9);
    config.compression_topics.emplace_back("logs-*", compression::gzip);
    config.compression_topics.emplace_back("images*", compression::none);
    CHECK(problems_of(config) == "");
    CHECK(config.compression_for("orders") == codec_choice{compression::zstd, 9});
    CHECK(config.compression_for("orders2") == codec_choice{compression::lz4, 9});
    CHECK(config.compression_for("logs-web") == codec_choice{compression::gzip, -1});
    CHECK(config.compression_for("logs-") == codec_choice{compression::gzip, -1});
    CHECK(config.compression_for("logs") == codec_choice{compression::lz4, 9});
    CHECK(config.compression_for("images") == codec_choice{compression::none, 0});
    config.compression_topics.assign(1, compression_rule{"*", compression::zstd});
    CHECK(config.compression_for("") == codec_choice{compression::zstd, 3});
    CHECK(problems_of(config) == "");
    config.compression_topics.assign(1001, compression_rule{"a", compression::zstd});
    CHECK(problems_of(config) ==
          "> kurier.compression.topics has more than 1000 rules; let prefixes name many topics\n");
}

TEST_CASE("a long list of wrong servers ends")
{
    producer_config config;
    config.bootstrap_servers.assign(5000, "nonsense");
    CHECK(validate(config).size() == 1001);
}

TEST_CASE("every setting is explained, without a full stop")
{
    for (const auto& row : detail::setting_rows) {
        CAPTURE(row.key);
        CHECK(row.doc.size() > 15);
        CHECK(row.doc.back() != '.');
    }
}

TEST_CASE("compression.type=auto: for all topics, for some, and its goal")
{
    producer_config config{"localhost:9092"};
    config.compression_type = compression::automatic;
    CHECK(problems_of(config) == "");
    CHECK(config.compression_for("any") == codec_choice{compression::automatic, 0});
    CHECK(config.compression_prices() == codec_prices::link(125e6));
    config.compression_link_bytes_per_second = 1'000'000;
    CHECK(config.compression_prices() == codec_prices::link(1e6));
    config.compression_goal = compression_goal::least_bytes;
    CHECK(config.compression_prices() == codec_prices::least_bytes());
    config.compression_goal = compression_goal::least_cpu;
    CHECK(config.compression_prices() == codec_prices::least_cpu());
    config.compression_topics.emplace_back("logs-*", compression::automatic);
    CHECK(problems_of(config) == "");
    config.compression_topics.assign(1, compression_rule{"logs-*", compression::automatic, 3});
    CHECK(problems_of(config) ==
          "> kurier.compression.topics: \"logs-*\" gives a level to auto, which has none; remove it\n");
}

TEST_CASE("security.protocol in any letters, and what is allowed though it is insecure")
{
    config_problems problems;
    producer_config config;
    CHECK(set_property(config, "security.protocol", "Sasl_Ssl", problems));
    CHECK(config.security_protocol == security_protocol::sasl_ssl);
    CHECK((config.uses_tls() && config.uses_sasl()));
    CHECK(set_property(config, "security.protocol", "ssl", problems));
    CHECK((config.uses_tls() && !config.uses_sasl()));
    CHECK(set_property(config, "security.protocol", "SASL_PLAINTEXT", problems));
    CHECK((!config.uses_tls() && config.uses_sasl()));

    CHECK_FALSE(config.allows(insecure::unchecked_names));
    CHECK(set_property(config, "kurier.insecure.allow", "unchecked-names, http-endpoints", problems));
    CHECK(config.insecure_allow == (insecure::unchecked_names | insecure::http_endpoints));
    CHECK(config.allows(insecure::unchecked_names));
    CHECK_FALSE(config.allows(insecure::unchecked_certificates));
    CHECK(to_properties(config).find("kurier.insecure.allow=unchecked-names,http-endpoints\n") !=
          std::string::npos);
    CHECK(set_property(config, "kurier.insecure.allow", "", problems));
    CHECK(config.insecure_allow == insecure::nothing);
    CHECK(problems.empty());
}
