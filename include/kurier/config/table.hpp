// One row for each setting. Parsing, printing, validation and the table in the documentation are all made from this.
#pragma once

#include <kurier/config/setting_row.hpp>
#include <kurier/producer_config.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace kurier::inline KURIER_ABI::detail {

inline constexpr setting_choice acks_choices[] = {{"all", -1}, {"-1", -1}, {"0", 0}, {"1", 1}};
inline constexpr setting_choice dns_choices[] = {{"use_all_dns_ips", 0},
                                                 {"resolve_canonical_bootstrap_servers_only", 1}};
inline constexpr setting_choice recovery_choices[] = {{"rebootstrap", 1}, {"none", 0}};
inline constexpr setting_choice compression_choices[] = {{"none", 0}, {"gzip", 1}, {"snappy", 2},
                                                         {"lz4", 3},  {"zstd", 4}, {"auto", 8}};
inline constexpr setting_choice goal_choices[] = {{"bytes", 0}, {"cpu", 1}, {"link", 2}};
inline constexpr setting_choice protocol_choices[] = {
    {"PLAINTEXT", 0}, {"SSL", 1}, {"SASL_PLAINTEXT", 2}, {"SASL_SSL", 3}};
inline constexpr setting_choice insecure_choices[] = {{"cleartext-secrets", 1},
                                                      {"unchecked-names", 2},
                                                      {"unchecked-certificates", 4},
                                                      {"unsecured-tokens", 8},
                                                      {"http-endpoints", 16}};
inline constexpr setting_choice identification_choices[] = {{"https", 1}, {"none", 0}, {"", 0}};
inline constexpr setting_choice version_choices[] = {{"TLSv1.2", 1}, {"TLSv1.3", 2}};
inline constexpr setting_choice minus_one[] = {{"-1", -1}};
inline constexpr setting_choice grant_choices[] = {{"client_credentials", 0},
                                                   {"urn:ietf:params:oauth:grant-type:jwt-bearer", 1}};
inline constexpr setting_choice algorithm_choices[] = {{"RS256", 0}, {"ES256", 1}};

using settings = producer_config;

inline constexpr std::array setting_rows{
    text_row(
        "bootstrap.servers", setting_kind::servers,
        "brokers to connect to first, as host:port separated by commas; they name the rest of the cluster"),
    text_row("client.id", &settings::client_id, "this client's name in broker logs, metrics and quotas"),
    choice_row<&settings::client_dns_lookup>(
        "client.dns.lookup", dns_choices,
        "try every address of a host name, or first resolve bootstrap names to canonical host names"),
    choice_row<&settings::security_protocol>("security.protocol", protocol_choices,
                                             "TLS, SASL, both, or neither"),
    text_row("ssl.truststore.location", &settings::ssl_truststore_location,
             "trusted CA certificates: a file (PEM, PKCS12) or a directory; empty: the system's. Also "
             "ssl.ca.location"),
    secret_row("ssl.truststore.password", &settings::ssl_truststore_password, "password of a PKCS12 file"),
    text_row("ssl.truststore.certificates", &settings::ssl_truststore_certificates,
             "trusted CA certificates, inline PEM. Also ssl.ca.pem"),
    text_row("ssl.crl.location", &settings::ssl_crl_location, "certificate revocation lists, PEM"),
    boolean_row<&settings::enable_ssl_certificate_verification>("enable.ssl.certificate.verification",
                                                                "verify the broker's certificate"),
    choice_row<&settings::ssl_endpoint_identification_algorithm>(
        "ssl.endpoint.identification.algorithm", identification_choices,
        "verify that the broker's certificate is for the host connected to"),
    text_row(
        "ssl.keystore.location", &settings::ssl_keystore_location,
        "this client's certificate with its chain and key, in PEM or PKCS12. Also ssl.certificate.location"),
    secret_row("ssl.keystore.password", &settings::ssl_keystore_password, "password of a PKCS12 file"),
    text_row("ssl.keystore.certificate.chain", &settings::ssl_keystore_certificate_chain,
             "the certificate and its chain, inline PEM. Also ssl.certificate.pem"),
    secret_row("ssl.keystore.key", &settings::ssl_keystore_key,
               "the private key, inline PEM. Also ssl.key.pem"),
    text_row("ssl.key.location", &settings::ssl_key_location,
             "the private key, PEM, if it isn't in the keystore"),
    secret_row("ssl.key.password", &settings::ssl_key_password, "password of an encrypted PEM key"),
    words_row<&settings::ssl_enabled_protocols>("ssl.enabled.protocols", version_choices,
                                                "TLS versions to offer", 1),
    text_row("ssl.cipher.suites", &settings::ssl_cipher_suites,
             "ciphers by Java's names, separated by commas, or an OpenSSL list; empty: AES-GCM and ChaCha20"),
    text_row("ssl.curves.list", &settings::ssl_curves_list, "key exchange groups, in OpenSSL's names"),
    text_row("ssl.sigalgs.list", &settings::ssl_sigalgs_list, "signature algorithms, in OpenSSL's names"),
    text_row("sasl.mechanism", &settings::sasl_mechanism,
             "SASL mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. Also sasl.mechanisms"),
    text_row("sasl.username", &settings::sasl_username, "user name for PLAIN and SCRAM"),
    secret_row("sasl.password", &settings::sasl_password, "password for PLAIN and SCRAM; never printed"),
    text_row("sasl.jaas.config", setting_kind::jaas,
             "user name and password in the Java client's format: PlainLoginModule or ScramLoginModule"),
    boolean_row<&settings::sasl_scram_token>(
        "sasl.scram.token", "user name and password are a delegation token's id and HMAC (KIP-48)"),
    text_row("sasl.oauthbearer.token.endpoint.url", &settings::sasl_oauthbearer_token_endpoint_url,
             "where tokens come from: https://, or file: with a token in it"),
    choice_row<&settings::sasl_oauthbearer_grant_type>(
        "sasl.oauthbearer.grant.type", grant_choices,
        "tokens for this client itself (KIP-768), or for the subject of an assertion (KIP-1139)"),
    text_row("sasl.oauthbearer.client.credentials.client.id", &settings::sasl_oauthbearer_client_id,
             "this client's id at the identity provider. Also sasl.oauthbearer.client.id"),
    secret_row("sasl.oauthbearer.client.credentials.client.secret", &settings::sasl_oauthbearer_client_secret,
               "its secret; never printed. Also sasl.oauthbearer.client.secret"),
    text_row("sasl.oauthbearer.scope", &settings::sasl_oauthbearer_scope, "the scope to ask for"),
    text_row("sasl.oauthbearer.extensions", &settings::sasl_oauthbearer_extensions,
             "name=value pairs, separated by commas, that the broker gets beside the token (KIP-342)"),
    boolean_row<&settings::sasl_oauthbearer_header_urlencode>(
        "sasl.oauthbearer.header.urlencode",
        "URL-encode client id and secret before they become Basic authentication (KIP-1025)"),
    text_row("sasl.oauthbearer.assertion.file", &settings::sasl_oauthbearer_assertion_file,
             "an assertion made elsewhere, read anew for each token"),
    text_row("sasl.oauthbearer.assertion.private.key.file",
             &settings::sasl_oauthbearer_assertion_private_key_file, "PEM; signs assertions"),
    secret_row("sasl.oauthbearer.assertion.private.key.pem",
               &settings::sasl_oauthbearer_assertion_private_key_pem, "the same, inline; never printed"),
    secret_row("sasl.oauthbearer.assertion.private.key.passphrase",
               &settings::sasl_oauthbearer_assertion_private_key_passphrase,
               "password of an encrypted key; never printed"),
    choice_row<&settings::sasl_oauthbearer_assertion_algorithm>(
        "sasl.oauthbearer.assertion.algorithm", algorithm_choices, "how assertions are signed"),
    text_row("sasl.oauthbearer.assertion.claim.iss", &settings::sasl_oauthbearer_assertion_claim_iss,
             "issuer of the assertions that are signed here"),
    text_row("sasl.oauthbearer.assertion.claim.sub", &settings::sasl_oauthbearer_assertion_claim_sub,
             "subject of assertions"),
    text_row("sasl.oauthbearer.assertion.claim.aud", &settings::sasl_oauthbearer_assertion_claim_aud,
             "audience of assertions"),
    number_row<&settings::sasl_oauthbearer_assertion_claim_exp_seconds>(
        "sasl.oauthbearer.assertion.claim.exp.seconds", 1, 86400, {}, "how long they are valid"),
    number_row<&settings::sasl_oauthbearer_assertion_claim_nbf_seconds>(
        "sasl.oauthbearer.assertion.claim.nbf.seconds", 0, 3600, {},
        "how long before now they became valid, for clocks that differ"),
    boolean_row<&settings::sasl_oauthbearer_assertion_claim_jti_include>(
        "sasl.oauthbearer.assertion.claim.jti.include", "give each an id of its own"),
    text_row("https.ca.location", &settings::https_ca_location,
             "CA certificates for HTTPS, a PEM file; empty: the system's"),
    text_row("https.ca.pem", &settings::https_ca_pem, "the same, inline PEM"),
    choice_row<&settings::acks>(
        "acks", acks_choices,
        "replicas that must acknowledge a batch: all in sync (all, -1), the leader (1), none (0)"),
    boolean_row<&settings::enable_idempotence>("enable.idempotence",
                                               "each record is written exactly once and in order, retries "
                                               "included; turned off if acks or retries conflict with it"),
    number_row<&settings::max_in_flight_requests_per_connection>(
        "max.in.flight.requests.per.connection", 1, int_max, {},
        "unacknowledged requests per connection; at most 5 with idempotence"),
    number_row<&settings::retries>("retries", 0, int_max, {},
                                   "retries per batch; prefer delivery.timeout.ms to bound them"),
    milliseconds_row<&settings::retry_backoff>(
        "retry.backoff.ms", 0, long_max,
        "backoff before the first retry; doubles with each one, with 20 % jitter"),
    milliseconds_row<&settings::retry_backoff_max>("retry.backoff.max.ms", 0, long_max,
                                                   "maximum backoff between retries"),
    milliseconds_row<&settings::delivery_timeout>("delivery.timeout.ms", 0, int_max,
                                                  "upper bound on the time from send to the result, retries "
                                                  "included; at least linger.ms + request.timeout.ms"),
    milliseconds_row<&settings::request_timeout>("request.timeout.ms", 1, int_max,
                                                 "how long to wait for the response to a request"),
    milliseconds_row<&settings::max_block>(
        "max.block.ms", 0, long_max,
        "how long a record waits for room in the buffer or for its topic's metadata"),
    milliseconds_row<&settings::linger>("linger.ms", 0, long_max, "how long a batch waits for more records"),
    bytes_row<&settings::batch_size>("batch.size", 0, int_max, "size at which a partition's batch is full"),
    bytes_row<&settings::buffer_memory>("buffer.memory", 1, memory_max,
                                        "memory for records that are not yet acknowledged"),
    bytes_row<&settings::max_request_size>("max.request.size", 1, int_max,
                                           "maximum size of a request, and of a record before compression"),
    choice_row<&settings::compression_type>("compression.type", compression_choices,
                                            "codec for batches; auto: chosen per topic by measurement"),
    number_row<&settings::compression_gzip_level>("compression.gzip.level", 1, 9, minus_one,
                                                  "1 is fastest, 9 smallest, -1 zlib's default"),
    number_row<&settings::compression_lz4_level>("compression.lz4.level", 1, 17, {},
                                                 "1 is fastest, 17 smallest"),
    number_row<&settings::compression_zstd_level>("compression.zstd.level", -131072, 22, {},
                                                  "negative levels are fastest, 22 smallest"),
    boolean_row<&settings::partitioner_adaptive_partitioning_enable>(
        "partitioner.adaptive.partitioning.enable", "send fewer keyless records to slow brokers (KIP-794)"),
    milliseconds_row<&settings::partitioner_availability_timeout>(
        "partitioner.availability.timeout.ms", 0, long_max,
        "keyless records avoid a broker that has accepted nothing for this long; 0: off"),
    boolean_row<&settings::partitioner_ignore_keys>("partitioner.ignore.keys",
                                                    "choose the partition as if records had no keys"),
    boolean_row<&settings::partitioner_rack_aware>(
        "partitioner.rack.aware",
        "records without key to partitions whose leader is in client.rack, as long as there are any"),
    text_row("client.rack", &settings::client_rack, "broker.rack of the brokers near this process"),
    milliseconds_row<&settings::metadata_max_age>("metadata.max.age.ms", 0, long_max,
                                                  "refresh metadata after this time"),
    milliseconds_row<&settings::metadata_max_idle>(
        "metadata.max.idle.ms", 5000, long_max,
        "stop refreshing a topic that hasn't been used for this long"),
    choice_row<&settings::metadata_recovery_strategy>(
        "metadata.recovery.strategy", recovery_choices,
        "when no known broker is reachable: rebootstrap from bootstrap.servers, or keep trying"),
    milliseconds_row<&settings::metadata_recovery_rebootstrap_trigger>(
        "metadata.recovery.rebootstrap.trigger.ms", 0, long_max,
        "rebootstrap if no metadata update succeeds within this time; also done as soon as no known broker "
        "is reachable"),
    boolean_row<&settings::metadata_cluster_check_enable>(
        "metadata.cluster.check.enable",
        "have brokers confirm the cluster id and their node id (KIP-1242, Kafka 4.4)"),
    milliseconds_row<&settings::reconnect_backoff>("reconnect.backoff.ms", 0, long_max,
                                                   "backoff before reconnecting; doubles with each failure"),
    milliseconds_row<&settings::reconnect_backoff_max>("reconnect.backoff.max.ms", 0, long_max,
                                                       "maximum backoff before reconnecting"),
    milliseconds_row<&settings::socket_connection_setup_timeout>(
        "socket.connection.setup.timeout.ms", 1, long_max,
        "timeout for opening a connection; doubles with each failure"),
    milliseconds_row<&settings::socket_connection_setup_timeout_max>("socket.connection.setup.timeout.max.ms",
                                                                     1, long_max, "maximum of that timeout"),
    milliseconds_row<&settings::connections_max_idle>(
        "connections.max.idle.ms", -1, long_max,
        "close connections that have been idle for this long; -1: never"),
    bytes_row<&settings::send_buffer>("send.buffer.bytes", -1, int_max,
                                      "the socket's send buffer; -1: the operating system's default"),
    bytes_row<&settings::receive_buffer>("receive.buffer.bytes", -1, int_max,
                                         "the socket's receive buffer; -1: the operating system's default"),
    text_row("kurier.compression.topics", setting_kind::compression_rules,
             "codecs per topic, topic:codec or topic:codec:level separated by commas; logs-* matches all "
             "that begin with logs-; the first match wins"),
    choice_row<&settings::compression_goal>(
        "kurier.compression.goal", goal_choices,
        "what auto optimises: bytes, CPU, or both, weighted by the link's bandwidth"),
    number_row<&settings::compression_link_bytes_per_second>(
        "kurier.compression.link.bytes.per.second", 1, long_max, {},
        "the link's bandwidth: a second of it weighs as much as a second of CPU"),
    words_row<&settings::insecure_allow>("kurier.insecure.allow", insecure_choices,
                                         "what is refused unless it is named here, separated by commas"),
    bytes_row<&settings::waiting_memory>("kurier.waiting.memory", 0, memory_max,
                                         "memory for records whose send waits for room in buffer.memory"),
    bytes_row<&settings::max_response_size>("kurier.max.response.size", 65536, int_max,
                                            "largest response that is accepted from a broker"),
};

// librdkafka's, which its many bindings took up.
struct other_name
{
    std::string_view name, key;
};
inline constexpr other_name other_names[] = {
    {"ssl.ca.location", "ssl.truststore.location"},
    {"ssl.ca.pem", "ssl.truststore.certificates"},
    {"ssl.certificate.location", "ssl.keystore.location"},
    {"ssl.certificate.pem", "ssl.keystore.certificate.chain"},
    {"ssl.key.pem", "ssl.keystore.key"},
    {"sasl.mechanisms", "sasl.mechanism"},
    {"sasl.oauthbearer.client.id", "sasl.oauthbearer.client.credentials.client.id"},
    {"sasl.oauthbearer.client.secret", "sasl.oauthbearer.client.credentials.client.secret"},
};

constexpr const setting_row* find_setting(std::string_view key)
{
    for (const auto& other : other_names)
        if (key == other.name) key = other.key;
    for (const auto& row : setting_rows) {
        if (row.key == key) return &row;
    }
    return nullptr;
}

} // namespace kurier::inline KURIER_ABI::detail
