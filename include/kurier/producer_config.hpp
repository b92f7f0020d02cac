// How a producer behaves: Kafka's settings with its names in snake_case and its defaults where nothing else
// is said, and chrono durations instead of the ".ms" in the key. The same settings as text:
// <kurier/properties.hpp>. Which values are allowed, and which exclude each other:
// <kurier/config/validation.hpp>.
#pragma once

#include <kurier/compression/codec_prices.hpp>
#include <kurier/secret.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

// How many replicas confirm a batch before the broker answers.
enum class acks : std::int16_t {
    none = 0,   // no answer at all: nobody knows what was written
    leader = 1, // the leader alone: lost when it fails before a follower has copied the batch
    all = -1,   // every replica in sync
};

// What to do when no known broker answers any more (KIP-899, KIP-1102).
enum class metadata_recovery_strategy : std::uint8_t { none, rebootstrap };

// Which addresses of a host name are tried (KIP-302, KIP-602).
enum class client_dns_lookup : std::uint8_t { use_all_dns_ips, resolve_canonical_bootstrap_servers_only };

// What a connection begins with: TLS, SASL, both or nothing.
enum class security_protocol : std::uint8_t { plaintext, ssl, sasl_plaintext, sasl_ssl };

// What is refused unless it is asked for by name: a set, joined by |.
enum class insecure : std::uint8_t {
    nothing = 0,
    cleartext_secrets = 1,      // passwords and tokens over connections without TLS
    unchecked_names = 2,        // a broker's certificate may be for another host
    unchecked_certificates = 4, // anybody may be the broker
    unsecured_tokens = 8,       // OAuth tokens without a signature
    http_endpoints = 16,        // tokens fetched without TLS
};
// Both.
constexpr insecure operator|(insecure a, insecure b) noexcept
{
    return static_cast<insecure>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}

enum class tls_versions : std::uint8_t { v1_2 = 1, v1_3 = 2, both = 3 }; // a set

// What an identity provider is asked for: a token for this client (KIP-768), or for an assertion's subject (KIP-1139).
enum class oauth_grant : std::uint8_t { client_credentials, jwt_bearer };

// How assertions are signed.
enum class assertion_algorithm : std::uint8_t { rs256, es256 };

// Has a broker's certificate to be for the host that is connected to?
enum class endpoint_identification : std::uint8_t { none, https };

// Kafka's 16 KiB exist because its Java producer allocates each batch whole; kurier's batches grow as they fill. With
// 64 KiB, one busy partition costs twice as much, because five batches in flight are too little; see bench/README.md.
inline constexpr std::size_t default_batch_size = 256 * 1024;

// One codec for some topics, beyond Kafka. The topic may end in '*': then it names all topics that begin so.
struct compression_rule
{
    // Without a level, compression.<codec>.level is taken.
    compression_rule(std::string topic_or_prefix, kurier::compression codec, std::optional<int> at_level = {})
        : topic{std::move(topic_or_prefix)}, type{codec}, level{at_level}
    {}

    std::string topic;
    kurier::compression type;
    std::optional<int> level; // nothing: compression.<codec>.level

    // Is it a rule for this topic?
    bool matches(std::string_view name) const noexcept
    {
        const std::string_view pattern = topic;
        return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                      : name == pattern;
    }
    friend bool operator==(const compression_rule&, const compression_rule&) = default;
};

// What compression::automatic strives for: the fewest bytes sent, the least CPU time, or the least of both together
// where the link's speed says what a byte is worth.
enum class compression_goal : std::uint8_t { least_bytes, least_cpu, link };

class producer_config
{
public:
    producer_config() = default;

    // One or several servers: "kafka1:9092,kafka2:9092,[2001:db8::1]:9092"
    explicit producer_config(std::string_view servers) : bootstrap_servers{split(servers)} {}
    explicit producer_config(const char* servers) : producer_config{std::string_view{servers}} {}

    // Where to ask first
    std::vector<std::string> bootstrap_servers; // "host:port"; IPv6 addresses in brackets
    std::string client_id = "kurier";           // for the broker's logs, metrics and quotas
    kurier::client_dns_lookup client_dns_lookup = kurier::client_dns_lookup::use_all_dns_ips;

    // Who may listen, and who is asked
    kurier::security_protocol security_protocol = kurier::security_protocol::plaintext;
    insecure insecure_allow = insecure::nothing;
    std::string sasl_mechanism; // no default: Kafka's is GSSAPI, which would have to be meant
    std::string sasl_username;
    secret sasl_password;
    bool sasl_scram_token = false; // user name and password are a delegation token's id and HMAC (KIP-48)

    // Tokens from an identity provider, for OAUTHBEARER: what kurier::oidc asks for, and as whom
    std::string sasl_oauthbearer_token_endpoint_url;
    oauth_grant sasl_oauthbearer_grant_type = oauth_grant::client_credentials;
    std::string sasl_oauthbearer_client_id;
    secret sasl_oauthbearer_client_secret;
    std::string sasl_oauthbearer_scope;
    std::string sasl_oauthbearer_extensions; // "name=value,name=value"
    bool sasl_oauthbearer_header_urlencode = false;
    std::string sasl_oauthbearer_assertion_file, sasl_oauthbearer_assertion_private_key_file;
    secret sasl_oauthbearer_assertion_private_key_pem, sasl_oauthbearer_assertion_private_key_passphrase;
    assertion_algorithm sasl_oauthbearer_assertion_algorithm = assertion_algorithm::rs256;
    std::string sasl_oauthbearer_assertion_claim_iss, sasl_oauthbearer_assertion_claim_sub,
        sasl_oauthbearer_assertion_claim_aud;
    std::int32_t sasl_oauthbearer_assertion_claim_exp_seconds = 300;
    std::int32_t sasl_oauthbearer_assertion_claim_nbf_seconds = 60;
    bool sasl_oauthbearer_assertion_claim_jti_include = false;
    std::string https_ca_location, https_ca_pem; // whom to trust there; neither: the system's authorities

    // TLS: whom to trust, and who we are. Files are PEM or PKCS12.
    std::string ssl_truststore_location; // a directory too; empty: the system's authorities
    secret ssl_truststore_password;
    std::string ssl_truststore_certificates; // PEM
    std::string ssl_crl_location;
    bool enable_ssl_certificate_verification = true;
    endpoint_identification ssl_endpoint_identification_algorithm = endpoint_identification::https;
    std::string ssl_keystore_location;
    secret ssl_keystore_password;
    std::string ssl_keystore_certificate_chain; // PEM
    secret ssl_keystore_key;                    // PEM
    std::string ssl_key_location;               // where the key isn't beside its certificate
    secret ssl_key_password;
    tls_versions ssl_enabled_protocols = tls_versions::both;
    std::string
        ssl_cipher_suites; // Java's names or OpenSSL's; empty: with forward secrecy, AES-GCM or ChaCha20
    std::string ssl_curves_list, ssl_sigalgs_list;

    // What is promised
    kurier::acks acks = kurier::acks::all;
    std::optional<bool> enable_idempotence; // nothing: on, unless acks or retries are set against it
    std::int32_t max_in_flight_requests_per_connection = 5; // a broker too slow to answer in time gets fewer
    std::int32_t retries = std::numeric_limits<std::int32_t>::max(); // delivery_timeout is the better bound
    std::chrono::milliseconds retry_backoff{100};
    std::chrono::milliseconds retry_backoff_max{1'000};
    std::chrono::milliseconds delivery_timeout{120'000}; // from send to the answer, retries included
    std::chrono::milliseconds request_timeout{30'000};
    std::chrono::milliseconds max_block{60'000}; // how long send waits for room and for the topic's metadata

    // Batches and memory
    std::chrono::milliseconds linger{5};
    std::size_t batch_size = default_batch_size;
    std::size_t buffer_memory = 32 * 1024 * 1024; // all records that are not yet confirmed
    std::size_t max_request_size = 1024 * 1024;
    std::size_t waiting_memory = 16 * 1024 * 1024; // records that wait for room in buffer_memory
    std::size_t max_response_size = 8 * 1024 * 1024;

    // Compression
    kurier::compression compression_type = kurier::compression::none;
    std::int32_t compression_gzip_level = -1;
    std::int32_t compression_lz4_level = 9;
    std::int32_t compression_zstd_level = 3;
    std::vector<compression_rule> compression_topics; // the first that matches counts
    kurier::compression_goal compression_goal = kurier::compression_goal::link; // of compression::automatic
    std::size_t compression_link_bytes_per_second = 125'000'000;                // 1 Gbit/s

    // Partitions for records without a key
    bool partitioner_adaptive_partitioning_enable = true;         // fewer records to slow brokers (KIP-794)
    std::chrono::milliseconds partitioner_availability_timeout{}; // 0: a partition is never left out
    bool partitioner_ignore_keys = false;
    bool partitioner_rack_aware = false; // those with a leader in client_rack come first (KIP-1123)
    std::string client_rack;             // where this process runs: broker.rack of the brokers nearby

    // The cluster's layout
    std::chrono::milliseconds metadata_max_age{300'000};
    std::chrono::milliseconds metadata_max_idle{300'000}; // forget topics that nobody sends to (KIP-526)
    kurier::metadata_recovery_strategy metadata_recovery_strategy =
        kurier::metadata_recovery_strategy::rebootstrap;
    std::chrono::milliseconds metadata_recovery_rebootstrap_trigger{300'000};
    bool metadata_cluster_check_enable = true;

    // Connections
    std::chrono::milliseconds reconnect_backoff{50};
    std::chrono::milliseconds reconnect_backoff_max{1'000};
    std::chrono::milliseconds socket_connection_setup_timeout{10'000};
    std::chrono::milliseconds socket_connection_setup_timeout_max{30'000};
    std::chrono::milliseconds connections_max_idle{540'000}; // -1: never closed for being idle
    std::int32_t send_buffer = -1; // the operating system's: fewer writes for a batch
    std::int32_t receive_buffer = 32'768;

    // Is each batch written once, whatever is sent again? Said outright, or as acks and retries allow.
    bool idempotent() const noexcept
    {
        return enable_idempotence.value_or(acks == kurier::acks::all && retries != 0);
    }

    bool uses_tls() const noexcept
    {
        return security_protocol == kurier::security_protocol::ssl ||
               security_protocol == kurier::security_protocol::sasl_ssl;
    }
    bool uses_sasl() const noexcept
    {
        return security_protocol == kurier::security_protocol::sasl_plaintext ||
               security_protocol == kurier::security_protocol::sasl_ssl;
    }
    bool allows(insecure what) const noexcept { return (insecure_allow | what) == insecure_allow; }

    bool takes_tls(tls_versions one) const noexcept
    {
        return (static_cast<unsigned>(ssl_enabled_protocols) & static_cast<unsigned>(one)) != 0;
    }

    int compression_level(kurier::compression codec) const noexcept
    {
        switch (codec) {
        case compression::gzip:
            return compression_gzip_level;
        case compression::lz4:
            return compression_lz4_level;
        case compression::zstd:
            return compression_zstd_level;
        default:
            return 0;
        }
    }

    codec_choice compression_for(std::string_view topic) const noexcept
    {
        for (const auto& rule : compression_topics) {
            if (rule.matches(topic)) return {rule.type, rule.level.value_or(compression_level(rule.type))};
        }
        return {compression_type, compression_level(compression_type)};
    }

    codec_prices compression_prices() const noexcept
    {
        switch (compression_goal) {
        case kurier::compression_goal::least_bytes:
            return codec_prices::least_bytes();
        case kurier::compression_goal::least_cpu:
            return codec_prices::least_cpu();
        default:
            return codec_prices::link(static_cast<double>(compression_link_bytes_per_second));
        }
    }

    friend bool operator==(const producer_config&, const producer_config&) = default;

private:
    // Empty pieces stay, so that validation can name them.
    static std::vector<std::string> split(std::string_view list)
    {
        std::vector<std::string> pieces;
        for (;;) {
            const auto comma = list.find(',');
            auto piece = list.substr(0, comma);
            while (!piece.empty() && is_blank(piece.front())) piece.remove_prefix(1);
            while (!piece.empty() && is_blank(piece.back())) piece.remove_suffix(1);
            pieces.emplace_back(piece);
            if (comma == std::string_view::npos) return pieces;
            list.remove_prefix(comma + 1);
        }
    }
    static constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
};

} // namespace kurier::inline KURIER_ABI
