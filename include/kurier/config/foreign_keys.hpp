// Keys that people bring along and that aren't settings of kurier: of Kafka's Java producer, of consumers, of
// brokers, of librdkafka. Each has a sentence; for all others the nearest key is guessed.
#pragma once

#include <kurier/config/table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::detail {

struct foreign_key
{
    std::string_view pattern;  // may end in '*'
    std::string_view sentence; // to be put behind the key
    std::string_view harmless; // values that say what kurier does anyway, separated by |
    bool ignored = false;      // it has no effect, and is worth a warning
};

inline constexpr std::string_view consumer_setting =
    "is a setting of consumers, a producer has no use for it; remove it";
inline constexpr std::string_view broker_setting =
    "is a setting of brokers or topics, not of clients; remove it";
inline constexpr std::string_view java_machine = "is for Java's virtual machine; it has no effect here";
inline constexpr std::string_view own_context =
    "is code; give kurier::tls a context of your own in its place, and remove it";
inline constexpr std::string_view told_by_content =
    "is not needed, a file's content tells what it is (PEM or PKCS12); remove it";
inline constexpr std::string_view login_class =
    "names a Java class; give the engine a login in its place: kurier::oauthbearer with kurier::oidc or a "
    "source of your own, or a mechanism of your own; remove it";
inline constexpr std::string_view oidc_classes =
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler|"
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler";
inline constexpr std::string_view retriever_classes =
    "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever|"
    "org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever|"
    "org.apache.kafka.common.security.oauthbearer.FileJwtRetriever";
inline constexpr std::string_view broker_checks = "is about how brokers check tokens; remove it";
inline constexpr std::string_view no_kerberos =
    "belongs to Kerberos (GSSAPI), which is not supported yet; remove it";
inline constexpr std::string_view login_tuning =
    "tunes how the Java client refreshes its credentials; they are read for each login here; remove it";
inline constexpr std::string_view no_transactions =
    "belongs to transactions, which are not supported yet; remove it";
inline constexpr std::string_view java_metrics = "configures the Java client's metrics; remove it";
inline constexpr std::string_view serializer_types =
    "names a Java class; here serializers follow from the types of kurier::producer<Key, Value>; remove it";

inline constexpr foreign_key foreign_keys[] = {
    // Kafka's Java producer
    {"transactional.id", no_transactions, {}},
    {"transaction.timeout.ms", no_transactions, {}},
    {"transaction.two.phase.commit.enable", no_transactions, "false"},
    {"key.serializer", serializer_types, {}},
    {"value.serializer", serializer_types, {}},
    {"interceptor.classes",
     "names Java classes; remove it and observe records where they are sent and awaited",
     {}},
    {"metric.reporters", java_metrics, {}},
    {"metrics.num.samples", java_metrics, {}},
    {"metrics.recording.level", java_metrics, {}},
    {"metrics.sample.window.ms", java_metrics, {}},
    {"auto.include.jmx.reporter", java_metrics, {}},
    {"enable.metrics.push", "asks for KIP-714 client metrics, which are not supported yet; set it to false",
     "false"},
    {"config.providers*",
     "asks for the Java client's config providers, which don't exist here; write plain values",
     {}},
    {"buffer.memory.allocation.strategy", "has no effect: batches always grow as they fill (KIP-1332)",
     "incremental|full", true},
    {"bootstrap.resolve.timeout.ms", "is not needed, names are resolved in the background; remove it", "0"},
    {"security.providers", java_machine, {}, true},
    {"ssl.provider", java_machine, {}, true},
    {"ssl.secure.random.implementation", java_machine, {}, true},
    {"ssl.keymanager.algorithm", java_machine, {}, true},
    {"ssl.trustmanager.algorithm", java_machine, {}, true},
    {"ssl.truststore.type", told_by_content, "PEM|PKCS12|JKS"},
    {"ssl.keystore.type", told_by_content, "PEM|PKCS12|JKS"},
    {"ssl.protocol",
     "is not needed; set ssl.enabled.protocols to the versions that are wanted, and remove it",
     "TLSv1.3|TLS"},
    {"ssl.engine.*", own_context, {}},
    {"ssl_engine_callback_data", own_context, {}},
    {"ssl.certificate.verify_cb", own_context, {}},
    {"ssl.client.auth", broker_setting, {}},
    {"ssl.principal.mapping.rules", broker_setting, {}},
    {"sasl.client.callback.handler.class", login_class, {}},
    {"sasl.login.callback.handler.class", login_class, oidc_classes},
    {"sasl.login.class", login_class, {}},
    {"sasl.kerberos.kinit.cmd", "would run a command, which a producer should not do; remove it", {}},
    {"sasl.kerberos.*", no_kerberos, {}},
    {"sasl.oauthbearer.jwt.retriever.class",
     "names a Java class; a JwtBearerJwtRetriever is sasl.oauthbearer.grant.type="
     "urn:ietf:params:oauth:grant-type:jwt-bearer here; others are a source of your own; remove it",
     retriever_classes},
    {"sasl.oauthbearer.jwt.validator.class", "is not needed, brokers judge the tokens; remove it",
     "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator|"
     "org.apache.kafka.common.security.oauthbearer.ClientJwtValidator"},
    {"sasl.oauthbearer.method", "may be oidc; a source of tokens of your own goes to kurier::oauthbearer",
     "oidc|default"},
    {"sasl.oauthbearer.config",
     "is librdkafka's, for unsecured tokens; give the engine a "
     "kurier::oauthbearer{kurier::unsecured_tokens{...}}, and remove it",
     {}},
    {"sasl.oauthbearer.metadata.authentication.type",
     "asks a cloud's metadata service for tokens, which is not supported yet; "
     "give the engine a kurier::oauthbearer with a source of tokens",
     "none"},
    {"sasl.oauthbearer.jwks.*", broker_checks, {}},
    {"sasl.oauthbearer.expected.*", broker_checks, {}},
    {"sasl.oauthbearer.clock.skew.seconds", broker_checks, {}},
    {"sasl.oauthbearer.scope.claim.name", broker_checks, {}},
    {"sasl.oauthbearer.sub.claim.name", broker_checks, {}},
    {"sasl.oauthbearer.assertion.template.file",
     "is not supported; set the sasl.oauthbearer.assertion.claim settings, or "
     "sasl.oauthbearer.assertion.file",
     {}},
    {"sasl.oauthbearer.assertion.jwt.template.file",
     "is not supported; set the sasl.oauthbearer.assertion.claim settings, or "
     "sasl.oauthbearer.assertion.file",
     {}},
    {"sasl.login.*", login_tuning, {}},
    {"enable.sasl.oauthbearer.unsecure.jwt",
     "is librdkafka's; give the engine a kurier::oauthbearer{kurier::unsecured_tokens{...}} and set "
     "kurier.insecure.allow=unsecured-tokens",
     "false"},
    {"sasl.enabled.mechanisms", broker_setting, {}},
    // of older Java producers
    {"block.on.buffer.full", "was removed from Kafka; use max.block.ms", {}},
    {"metadata.fetch.timeout.ms", "was removed from Kafka; use max.block.ms", {}},
    {"timeout.ms", "was removed from Kafka; use request.timeout.ms", {}},
    {"metadata.broker.list", "is called bootstrap.servers now", {}},
    {"serializer.class", serializer_types, {}},
    {"producer.type", "was removed from Kafka; sending is always asynchronous, remove it", {}},
    {"request.required.acks", "is called acks now", {}},
    // consumers
    {"group.*", consumer_setting, {}},
    {"key.deserializer", consumer_setting, {}},
    {"value.deserializer", consumer_setting, {}},
    {"auto.offset.reset", consumer_setting, {}},
    {"auto.commit.interval.ms", consumer_setting, {}},
    {"enable.auto.commit", consumer_setting, {}},
    {"isolation.level", consumer_setting, {}},
    {"fetch.*", consumer_setting, {}},
    {"max.partition.fetch.bytes", consumer_setting, {}},
    {"max.poll.*", consumer_setting, {}},
    {"session.timeout.ms", consumer_setting, {}},
    {"heartbeat.interval.ms", consumer_setting, {}},
    {"partition.assignment.strategy", consumer_setting, {}},
    {"check.crcs", consumer_setting, {}},
    {"exclude.internal.topics", consumer_setting, {}},
    {"share.acknowledgement.mode", consumer_setting, {}},
    {"share.acquire.mode", consumer_setting, {}},
    {"default.api.timeout.ms", "is a setting of consumers; for a producer use max.block.ms", {}},
    {"allow.auto.create.topics",
     "is a setting of consumers; for producers the broker decides by auto.create.topics.enable; remove it",
     "true"},
    // brokers and topics
    {"auto.create.topics.enable", broker_setting, {}},
    {"min.insync.replicas", broker_setting, {}},
    {"max.message.bytes", "is a setting of topics; a producer has max.request.size", {}},
    {"message.max.bytes", "is a setting of brokers and of librdkafka; a producer has max.request.size", {}},
    {"advertised.listeners", broker_setting, {}},
    {"listeners", broker_setting, {}},
    {"log.*", broker_setting, {}},
    {"num.partitions", broker_setting, {}},
    {"default.replication.factor", broker_setting, {}},
    {"replication.factor", broker_setting, {}},
    {"cleanup.policy", broker_setting, {}},
    {"retention.*", broker_setting, {}},
    {"segment.*", broker_setting, {}},
    {"message.timestamp.*", broker_setting, {}},
    {"broker.id", broker_setting, {}},
    {"node.id", broker_setting, {}},
    {"zookeeper.connect", "is not for clients since Kafka 2; use bootstrap.servers", {}},
    // librdkafka
    {"queue.buffering.max.ms", "is librdkafka's name of linger.ms", {}},
    {"queue.buffering.max.kbytes", "is librdkafka's; use buffer.memory, which counts bytes", {}},
    {"queue.buffering.max.messages", "is librdkafka's; use buffer.memory, which counts bytes", {}},
    {"queue.buffering.backpressure.threshold", "is librdkafka's and not needed; remove it", {}},
    {"batch.num.messages", "is librdkafka's; use batch.size, which counts bytes", {}},
    {"message.timeout.ms", "is librdkafka's name of delivery.timeout.ms", {}},
    {"message.send.max.retries", "is librdkafka's name of retries", {}},
    {"message.copy.max.bytes", "is librdkafka's; bytes are taken when send is called; remove it", {}},
    {"max.in.flight", "is librdkafka's name of max.in.flight.requests.per.connection", {}},
    {"compression.codec", "is librdkafka's name of compression.type", {}},
    {"compression.level",
     "is librdkafka's; use compression.gzip.level, compression.lz4.level or compression.zstd.level",
     {}},
    {"partitioner", "is librdkafka's; choose the partitioner where the producer is made", {}},
    {"sticky.partitioning.linger.ms",
     "is librdkafka's; partitions change by bytes, not by time (KIP-794); remove it",
     {}},
    {"socket.timeout.ms", "is librdkafka's; use request.timeout.ms", {}},
    {"socket.send.buffer.bytes", "is librdkafka's name of send.buffer.bytes", {}},
    {"socket.receive.buffer.bytes", "is librdkafka's name of receive.buffer.bytes", {}},
    {"socket.nagle.disable", "is librdkafka's; Nagle's algorithm is always off; remove it", "true"},
    {"socket.keepalive.enable",
     "is librdkafka's; remove it, idle connections are closed by connections.max.idle.ms", "false"},
    {"receive.message.max.bytes", "is librdkafka's; use kurier.max.response.size", {}},
    {"topic.metadata.refresh.interval.ms", "is librdkafka's; use metadata.max.age.ms", {}},
    {"topic.metadata.propagation.max.ms", "is librdkafka's; use max.block.ms", {}},
    {"enable.gapless.guarantee", "is librdkafka's and not needed with enable.idempotence; remove it",
     "false"},
    {"statistics.interval.ms", "is librdkafka's; remove it, metrics are read from the producer", "0"},
    {"debug", "is librdkafka's; remove it and pass a log sink to the producer", {}},
    {"api.version.request", "is librdkafka's; versions are always asked for; remove it", "true"},
    {"broker.version.fallback", "is librdkafka's; versions are always asked for; remove it", {}},
    {"ssl.ca.certificate.stores", "names stores of Windows; it has no effect here", {}, true},
    {"ssl.providers", "is librdkafka's; name OpenSSL's providers in openssl.cnf, and remove it", {}},
    {"broker.address.*", "is librdkafka's and not needed; remove it", {}},
};

constexpr bool matches(std::string_view pattern, std::string_view key)
{
    if (!pattern.ends_with('*')) return key == pattern;
    pattern.remove_suffix(1);
    return key.starts_with(pattern);
}

constexpr const foreign_key* find_foreign_key(std::string_view key)
{
    for (const auto& row : foreign_keys) {
        if (matches(row.pattern, key)) return &row;
    }
    return nullptr;
}

constexpr char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool same_letters(std::string_view a, std::string_view b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

constexpr bool is_harmless(const foreign_key& key, std::string_view value)
{
    for (auto rest = key.harmless; !rest.empty();) {
        const auto bar = rest.find('|');
        if (same_letters(rest.substr(0, bar), value)) return true;
        rest.remove_prefix(bar == std::string_view::npos ? rest.size() : bar + 1);
    }
    return false;
}

// Java and librdkafka users write classes; these are the ones that Kafka came with.
inline std::string explain_partitioner_class(std::string_view value)
{
    const auto name = value.substr(value.rfind('.') + 1);
    if (name == "DefaultPartitioner" || name == "UniformStickyPartitioner") {
        return std::string{name} + " is gone from Kafka 4, and what it did is the default here; remove it";
    }
    if (name == "RoundRobinPartitioner") {
        return "RoundRobinPartitioner is kurier's round_robin; choose it where the producer is made, not "
               "here";
    }
    return "it names a Java class; choose or write a partitioner where the producer is made, not here";
}

// Behind the name of a login module that sasl.jaas.config can't have.
constexpr std::string_view explain_login_module(std::string_view module)
{
    if (module == "Krb5LoginModule") return ", which is for Kerberos (GSSAPI); that is not supported yet";
    if (module == "IAMLoginModule") return ", which is for AWS MSK IAM; that is not supported yet";
    return ", which is not taken; it takes PlainLoginModule, ScramLoginModule and OAuthBearerLoginModule";
}

// Letters and digits only, small: "linger_ms", "lingerMs" and "LINGER.MS" are all "lingerms".
inline std::string bare_key(std::string_view key)
{
    std::string out;
    for (const char c : key) {
        const char small = lower(c);
        if ((small >= 'a' && small <= 'z') || (small >= '0' && small <= '9')) out += small;
    }
    return out;
}

inline constexpr std::size_t guessed_key_max = 64;

// How many letters must be added, removed, changed, or swapped with their neighbour. Both are at most
// guessed_key_max long.
inline std::size_t edit_distance(std::string_view a, std::string_view b)
{
    using row = std::array<std::size_t, guessed_key_max + 1>;
    row before_last{};
    row last{};
    row now{};
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, change});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) now[j] = std::min(now[j], before_last[j - 2] + 1);
        }
        before_last = last;
        last = now;
    }
    return last[b.size()];
}

// The word that was probably meant, or nothing.
inline std::string_view nearest_choice(std::span<const setting_choice> choices, std::string_view text)
{
    if (text.size() < 2 || text.size() > guessed_key_max) return {};
    const auto wanted = bare_key(text);
    for (const auto& choice : choices) {
        const auto known = bare_key(choice.text);
        if (known.size() < 2 || wanted.size() < 2) continue;
        if (edit_distance(wanted, known) <= std::min<std::size_t>(2, known.size() / 4)) return choice.text;
    }
    return {};
}

// The key that was probably meant, or nothing.
inline std::string_view nearest_key(std::string_view key)
{
    if (key.size() > guessed_key_max) return {};
    const auto wanted = bare_key(key);
    if (wanted.size() < 3) return {};
    for (const auto& row : setting_rows) { // "kafka.acks"
        if (!key.ends_with(row.key) || key.size() == row.key.size()) continue;
        if (key[key.size() - row.key.size() - 1] == '.') return row.key;
    }
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(2, wanted.size() / 4) + 1;

    for (const auto& row : setting_rows) {
        const auto known = bare_key(row.key);
        auto distance = edit_distance(wanted, known);
        // A unit or a prefix that is left out is no typing error: "linger", "max.response.size".
        const bool left_out =
            known == wanted + "ms" || known == wanted + "bytes" || known == "kurier" + wanted;
        if (left_out) distance = std::min<std::size_t>(distance, 1);
        const bool half = wanted.size() >= 5 && (known.starts_with(wanted) || known.ends_with(wanted));
        if (half) distance = std::min<std::size_t>(distance, 2);

        if (distance >= best_distance) continue;
        best = row.key;
        best_distance = distance;
    }
    return best;
}

} // namespace kurier::inline KURIER_ABI::detail
