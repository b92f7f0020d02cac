#include <kurier/properties.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace kurier;
using namespace std::chrono_literals;

TEST_CASE("typed fields and text are the same settings")
{
    const auto config = from_properties("# where\n"
                                        "bootstrap.servers = kafka1:9092, \\\n"
                                        "                    kafka2:9092\n"
                                        "client.id: web\n"
                                        "acks 1\n"
                                        "enable.idempotence=False\n"
                                        "linger.ms=+20\n"
                                        "batch.size= 16384 \n"
                                        "compression.type=zstd\n"
                                        "compression.zstd.level=-5\n"
                                        "metadata.recovery.strategy=NONE\n"
                                        "kurier.compression.topics=logs-*:lz4, orders:zstd:19\n");
    producer_config typed{"kafka1:9092,kafka2:9092"};
    typed.client_id = "web";
    typed.acks = acks::leader;
    typed.enable_idempotence = false;
    typed.linger = 20ms;
    typed.batch_size = 16384;
    typed.compression_type = compression::zstd;
    typed.compression_zstd_level = -5;
    typed.metadata_recovery_strategy = metadata_recovery_strategy::none;
    typed.compression_topics.emplace_back("logs-*", compression::lz4);
    typed.compression_topics.emplace_back("orders", compression::zstd, 19);
    CHECK(config == typed);
    CHECK(to_properties(typed) == "bootstrap.servers=kafka1:9092,kafka2:9092\n"
                                  "client.id=web\n"
                                  "acks=1\n"
                                  "enable.idempotence=false\n"
                                  "linger.ms=20\n"
                                  "batch.size=16384\n"
                                  "compression.type=zstd\n"
                                  "compression.zstd.level=-5\n"
                                  "metadata.recovery.strategy=none\n"
                                  "kurier.compression.topics=logs-*:lz4,orders:zstd:19\n");
}

TEST_CASE("acks=-1 is all")
{
    CHECK(from_properties("bootstrap.servers=a:1\nacks=-1").acks == acks::all);
    CHECK(to_properties(from_properties("bootstrap.servers=a:1\nacks=-1")) == "bootstrap.servers=a:1\n");
}

TEST_CASE("an invalid text throws all its problems at once")
{
    try {
        static_cast<void>(from_properties("linger.ms=x\nacks=1"));
        FAIL("no exception");
    } catch (const config_error& error) {
        CHECK(error.code() == errc::configuration);
        CHECK(error.problems().size() == 3);
        CHECK(std::string{error.what()} ==
              "the configuration is invalid:\n"
              "  linger.ms=x (line 1) is not a whole number; allowed: at least 0 ms; the default is 5\n"
              "  bootstrap.servers is empty; name at least one broker as host:port, for instance "
              "localhost:9092");
    }
}

TEST_CASE("a setting that is refused leaves the configuration as it was")
{
    producer_config config{"localhost:9092"};
    const auto before = config;
    config_problems problems;
    CHECK_FALSE(set_property(config, "linger.ms", "x", problems));
    CHECK_FALSE(set_property(config, "batch.size", "-1", problems));
    CHECK_FALSE(set_property(config, "kurier.compression.topics", "a:gzip,b", problems));
    CHECK_FALSE(set_property(config, "nonsense", "x", problems));
    CHECK(config == before);
    CHECK(problems.size() == 4);
    CHECK(set_property(config, "linger.ms", "7", problems));
    CHECK(config.linger == 7ms);
    CHECK(problems.size() == 4);
}

TEST_CASE("a command line lies over a file, and only the result is validated")
{
    producer_config config;
    config_problems problems;
    apply_properties(config, "acks=1\nlinger.ms=3\n", problems);
    apply_properties(config, "linger.ms=4\n", problems);
    CHECK(set_property(config, "bootstrap.servers", "localhost:9092", problems));
    CHECK(problems.empty());
    CHECK(config.linger == 4ms);
    CHECK_FALSE(has_errors(validate(config)));
}

TEST_CASE("values that need escapes survive the way through a text")
{
    producer_config config{"localhost:9092"};
    for (const std::string id :
         {"", "a\\b", "a = b", "a:b", "#a", "!a", "\xc3\xa9", "a  b", "\\u0041", "a\\"}) {
        CAPTURE(id);
        config.client_id = id;
        CHECK(from_properties(to_properties(config)) == config);
    }
}

namespace {

std::int64_t random_value(const detail::setting_row& row, std::mt19937_64& random)
{
    using detail::setting_kind;
    if (row.kind == setting_kind::boolean || row.kind == setting_kind::choice) {
        return row.choices[random() % row.choices.size()].value;
    }
    if (row.kind == setting_kind::words)
        return std::max(row.min, static_cast<std::int64_t>(random()) & row.max);
    switch (random() % 4) {
    case 0:
        return row.min;
    case 1:
        return row.max;
    default:
        return std::uniform_int_distribution<std::int64_t>{row.min, row.max}(random);
    }
}

} // namespace

TEST_CASE("random configurations survive the way through a text, changed settings or all of them")
{
    std::mt19937_64 random{20};
    for (int round = 0; round < 500; ++round) {
        producer_config config{"[::1]:9092,kafka.example.com.:1"};
        config.client_id = "client-" + std::to_string(random());
        if (random() % 2 == 0) config.compression_topics.emplace_back("t-*", compression::gzip, 4);
        for (const auto& row : detail::setting_rows) {
            if (row.set && random() % 2 == 0) row.set(config, random_value(row, random));
        }
        for (const auto which : {printed_settings::changed, printed_settings::all}) {
            producer_config read;
            config_problems problems;
            apply_properties(read, to_properties(config, which), problems);
            CHECK(problems.empty());
            CHECK(read == config);
        }
    }
}

TEST_CASE("the defaults are Kafka's, but for those that are named here")
{
    // Kafka 4.4's producer; batch.size (16384), send.buffer.bytes (131072), client.id (empty) and kurier's own keys differ.
    constexpr std::string_view kafka = "acks=all\n"
                                       "max.in.flight.requests.per.connection=5\n"
                                       "retries=2147483647\n"
                                       "retry.backoff.ms=100\n"
                                       "retry.backoff.max.ms=1000\n"
                                       "delivery.timeout.ms=120000\n"
                                       "request.timeout.ms=30000\n"
                                       "max.block.ms=60000\n"
                                       "linger.ms=5\n"
                                       "buffer.memory=33554432\n"
                                       "max.request.size=1048576\n"
                                       "client.dns.lookup=use_all_dns_ips\n"
                                       "compression.type=none\n"
                                       "compression.gzip.level=-1\n"
                                       "compression.lz4.level=9\n"
                                       "compression.zstd.level=3\n"
                                       "partitioner.adaptive.partitioning.enable=true\n"
                                       "partitioner.availability.timeout.ms=0\n"
                                       "partitioner.ignore.keys=false\n"
                                       "metadata.max.age.ms=300000\n"
                                       "metadata.max.idle.ms=300000\n"
                                       "metadata.recovery.strategy=rebootstrap\n"
                                       "metadata.recovery.rebootstrap.trigger.ms=300000\n"
                                       "reconnect.backoff.ms=50\n"
                                       "reconnect.backoff.max.ms=1000\n"
                                       "socket.connection.setup.timeout.ms=10000\n"
                                       "socket.connection.setup.timeout.max.ms=30000\n"
                                       "connections.max.idle.ms=540000\n"
                                       "receive.buffer.bytes=32768\n";
    producer_config config;
    config_problems problems;
    apply_properties(config, kafka, problems);
    CHECK(problems.empty());
    CHECK(config == producer_config{});
}

TEST_CASE("a hostile text ends with a bounded number of problems")
{
    std::string text;
    while (text.size() < 900'000) text += "k" + std::to_string(text.size()) + "=v\n";
    config_problems problems;
    static_cast<void>(from_properties(text, problems));
    CHECK(problems.size() <= properties_problems_max + 10);
    text = "kurier.compression.topics=";
    while (text.size() < 900'000) text += "a:gzip,";
    problems.clear();
    static_cast<void>(from_properties(text, problems));
    CHECK(problems.size() <= 10);
    problems.clear();
    static_cast<void>(from_properties(std::string(900'000, 'k') + "=v", problems));
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].text.size() < 200);
}

TEST_CASE("TLS in a file for the Java client, and in one for librdkafka")
{
    config_problems problems;
    const auto java = from_properties("bootstrap.servers=broker:9093\n"
                                      "security.protocol=SSL\n"
                                      "ssl.truststore.location=/etc/kafka/ca.p12\n"
                                      "ssl.truststore.password= pass word \n"
                                      "ssl.truststore.type=PKCS12\n"
                                      "ssl.keystore.location=/etc/kafka/client.p12\n"
                                      "ssl.keystore.password=changeit\n"
                                      "ssl.protocol=TLSv1.3\n"
                                      "ssl.enabled.protocols=TLSv1.3\n"
                                      "ssl.endpoint.identification.algorithm=HTTPS\n",
                                      problems);
    CHECK(problems.empty());
    CHECK(java.ssl_truststore_location == "/etc/kafka/ca.p12");
    CHECK(java.ssl_truststore_password == secret::literal("pass word "));
    CHECK(java.ssl_keystore_password == secret::literal("changeit"));
    CHECK((java.takes_tls(tls_versions::v1_3) && !java.takes_tls(tls_versions::v1_2)));
    CHECK(to_properties(java).find("changeit") == std::string::npos);

    const auto librdkafka = from_properties("bootstrap.servers=broker:9093\n"
                                            "security.protocol=ssl\n"
                                            "ssl.ca.location=/etc/kafka/ca.pem\n"
                                            "ssl.certificate.location=/etc/kafka/client.pem\n"
                                            "ssl.key.location=/etc/kafka/client.key\n"
                                            "ssl.key.password=changeit\n"
                                            "enable.ssl.certificate.verification=true\n",
                                            problems);
    CHECK(problems.empty());
    CHECK(librdkafka.ssl_truststore_location == "/etc/kafka/ca.pem");
    CHECK(librdkafka.ssl_keystore_location == "/etc/kafka/client.pem");
    CHECK(librdkafka.ssl_key_location == "/etc/kafka/client.key");

    const auto noted = from_properties("bootstrap.servers=broker:9092\n"
                                       "ssl.provider=SunJSSE\n"
                                       "ssl.ca.location=/etc/kafka/ca.pem\n",
                                       problems);
    REQUIRE(problems.size() == 2);
    CHECK_FALSE(has_errors(problems));
    CHECK(problems[0].text == "ssl.provider (line 2) is for Java's virtual machine; it has no effect here");
    CHECK(problems[1].text.starts_with(
        "ssl.truststore.location has no effect, because security.protocol is without TLS"));

    producer_config unchecked{"broker:9093"};
    unchecked.security_protocol = security_protocol::ssl;
    unchecked.enable_ssl_certificate_verification = false;
    CHECK(has_errors(validate(unchecked)));
    unchecked.insecure_allow = insecure::unchecked_certificates;
    CHECK(validate(unchecked).size() == 1);
    CHECK_FALSE(has_errors(validate(unchecked)));
}
