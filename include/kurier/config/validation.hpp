// Which values are allowed and which exclude each other, by the rules of Kafka's Java producer. All problems
// are found in one pass; warnings tell what resolved() changes.
#pragma once

#include <kurier/config/print.hpp>
#include <kurier/config/problem.hpp>
#include <kurier/config/server_address.hpp>
#include <kurier/config/table.hpp>
#include <kurier/config/tls_rules.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/topic.hpp>
#include <kurier/wire/escape.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kurier::inline KURIER_ABI {

// Where a setting was read, so that a problem can say so.
struct config_line
{
    std::string_view key;
    int line = 0;
};

namespace detail {

// The broker remembers the last five batches of a producer and partition, so more can't be kept in order.
inline constexpr std::int32_t in_flight_max_idempotent = 5;

inline constexpr std::size_t bootstrap_servers_max = 1000;
inline constexpr std::size_t client_id_size_max = 32767;

// Longer waits are as good as endless; a bound keeps sums of times from overflowing.
inline constexpr std::chrono::milliseconds duration_max = std::chrono::hours{24 * 3650};

class config_checker
{
public:
    config_checker(const producer_config& config, std::span<const config_line> lines)
        : config_{config}, lines_{lines}
    {}

    config_problems check() &&
    {
        check_servers();
        check_client_id();
        for (const auto& row : setting_rows) {
            if (row.get) check_range(row);
        }
        check_compression_rules();
        check_idempotence();
        check_delivery_timeout();
        check_memory();
        check_backoff("retry.backoff.ms", "retry.backoff.max.ms", config_.retry_backoff,
                      config_.retry_backoff_max);
        check_backoff("reconnect.backoff.ms", "reconnect.backoff.max.ms", config_.reconnect_backoff,
                      config_.reconnect_backoff_max);
        check_backoff("socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms",
                      config_.socket_connection_setup_timeout, config_.socket_connection_setup_timeout_max);
        check_partitioner();
        tls_rules{config_, problems_}.check();
        check_login();
        return std::move(problems_);
    }

private:
    void error(std::string_view key, std::string text)
    {
        problems_.emplace_back(config_severity::error, std::string{key}, std::move(text));
    }
    void warning(std::string_view key, std::string text)
    {
        problems_.emplace_back(config_severity::warning, std::string{key}, std::move(text));
    }

    // " (line 3)", or nothing
    std::string place(std::string_view key) const
    {
        for (const auto& line : lines_) {
            if (line.key == key) return " (line " + std::to_string(line.line) + ")";
        }
        return "";
    }

    // "linger.ms=5 (line 3)" or "linger.ms=5 (the default)"
    std::string mention(std::string_view key) const
    {
        const auto& row = *find_setting(key);
        const auto value = print_setting(config_, row);
        auto where = place(key);
        if (where.empty() && value == print_setting(producer_config{}, row)) where = " (the default)";
        return std::string{key} + (value.empty() ? "" : "=") + value + where;
    }

    void check_servers()
    {
        constexpr std::string_view key = "bootstrap.servers";
        if (config_.bootstrap_servers.empty() ||
            (config_.bootstrap_servers.size() == 1 && config_.bootstrap_servers.front().empty())) {
            return error(key,
                         "bootstrap.servers" + place(key) +
                             " is empty; name at least one broker as host:port, for instance localhost:9092");
        }
        std::size_t number = 0;
        for (const auto& server : config_.bootstrap_servers) {
            if (++number > bootstrap_servers_max) {
                return error(key,
                             "bootstrap.servers" + place(key) + " has more than 1000 entries; a few will do");
            }
            server_address address;
            const char* reason = parse_server_address(server, address);
            if (!reason) continue;
            const auto which =
                server.empty() ? "entry " + std::to_string(number) : '"' + wire::escape(server, 80) + '"';
            error(key, "bootstrap.servers" + place(key) + ": " + which + ' ' + reason);
        }
    }

    void check_client_id()
    {
        constexpr std::string_view key = "client.id";
        const std::string_view id = config_.client_id;
        const auto shown = "client.id=\"" + wire::escape(id, 80) + '"' + place(key);
        if (id.size() > client_id_size_max) {
            error(key, shown + " has " + std::to_string(id.size()) +
                           " bytes; Kafka's protocol carries at most 32767");
        }
        if (!wire::is_printable(id)) {
            error(key, shown + " has control characters or is not UTF-8; brokers write it into their logs");
        }
        if (id.starts_with(' ') || id.ends_with(' ')) {
            error(key, shown + " begins or ends with a blank, which a properties file can't say");
        }
    }

    void check_range(const setting_row& row)
    {
        const auto value = row.get(config_);
        if (is_allowed(row, value)) return;
        const auto usual = row.get(producer_config{});
        error(row.key, std::string{row.key} + '=' + print_number(row, value) + place(row.key) +
                           " is out of range; allowed: " + allowed_values(row) + "; the default is " +
                           print_number(row, usual));
    }

    void check_compression_rules()
    {
        constexpr std::string_view key = "kurier.compression.topics";
        const auto& rules = config_.compression_topics;
        if (rules.size() > compression_rules_max) {
            return error(key,
                         "kurier.compression.topics has more than 1000 rules; let prefixes name many topics");
        }

        for (std::size_t i = 0; i < rules.size(); ++i) {
            const auto name =
                "kurier.compression.topics" + place(key) + ": \"" + wire::escape(rules[i].topic, 80) + '"';
            std::string_view topic = rules[i].topic;
            const bool prefix = topic.ends_with('*');
            if (prefix) topic.remove_suffix(1);
            const char* reason = topic.empty() && prefix ? nullptr : why_not_a_topic(topic);
            if (topic.find('*') != std::string_view::npos) reason = "may have a '*' at its end only";
            if (reason && !(prefix && (topic == "." || topic == ".."))) {
                error(key, name + " can't match any topic: the name " + reason);
            }
            check_rule_level(name, rules[i]);
            for (std::size_t before = 0; before < i; ++before) {
                if (!hides(rules[before].topic, rules[i].topic)) continue;

                const bool same = rules[before].topic == rules[i].topic;
                error(key, name + " never counts, because \"" + wire::escape(rules[before].topic, 80) +
                               "\" before it matches the same topics; " +
                               (same ? "remove one of them" : "put the narrower rule first"));
                break;
            }
        }
    }

    static bool hides(std::string_view earlier, std::string_view later)
    {
        if (!earlier.ends_with('*')) return earlier == later;
        return later.starts_with(earlier.substr(0, earlier.size() - 1));
    }

    void check_rule_level(const std::string& name, const compression_rule& rule)
    {
        constexpr std::string_view key = "kurier.compression.topics";
        if (compression_name(rule.type) == "unknown") {
            return error(key, name + " names a codec that Kafka doesn't have");
        }
        if (!rule.level) return;
        const auto codec = std::string{compression_name(rule.type)};
        const auto* row = find_setting("compression." + codec + ".level");
        if (!row) return error(key, name + " gives a level to " + codec + ", which has none; remove it");
        if (is_allowed(*row, *rule.level)) return;
        error(key, name + " has level " + std::to_string(*rule.level) + "; " + codec + " allows " +
                       allowed_values(*row));
    }

    void check_idempotence()
    {
        const bool asked = config_.enable_idempotence.value_or(false);
        const auto on = "enable.idempotence=true" + place("enable.idempotence");
        if (config_.acks != acks::all) {
            const auto conflict = mention("acks");
            if (asked) {
                error("enable.idempotence",
                      on + " contradicts " + conflict +
                          ": a batch is known to be written once only when all replicas confirm "
                          "it; set acks=all or enable.idempotence=false");
            } else if (!config_.enable_idempotence) {
                warning("enable.idempotence",
                        "enable.idempotence is off because of " + conflict +
                            "; records may be lost, and doubled or reordered by retries; say "
                            "enable.idempotence=false to confirm");
            }
        }
        if (config_.retries == 0) {
            const auto conflict = mention("retries");
            if (asked) {
                error("enable.idempotence",
                      on + " contradicts " + conflict +
                          ": without retries a lost connection leaves gaps; remove retries or "
                          "set enable.idempotence=false");
            } else if (!config_.enable_idempotence && config_.acks == acks::all) {
                warning("enable.idempotence", "enable.idempotence is off because of " + conflict +
                                                  "; any lost connection fails records; say "
                                                  "enable.idempotence=false to confirm");
            }
        }
        // Java checks this against its default even where acks or retries switch idempotence off.
        const auto in_flight = config_.max_in_flight_requests_per_connection;

        constexpr std::string_view key = "max.in.flight.requests.per.connection";
        if (in_flight <= in_flight_max_idempotent || !config_.enable_idempotence.value_or(true)) return;
        if (config_.idempotent()) {
            error(key, mention(key) + " contradicts " +
                           (asked ? on : std::string{"enable.idempotence=true (the default)"}) +
                           ": brokers can keep at most 5 requests in order; set it to 5 or less, or "
                           "enable.idempotence=false");
        } else {
            error(key, mention(key) +
                           " needs enable.idempotence=false to be said outright, because more than 5 "
                           "requests may reorder records");
        }
    }

    void check_delivery_timeout()
    {
        const auto least = least_delivery_timeout(config_);
        if (config_.delivery_timeout >= least || config_.linger.count() < 0 ||
            config_.request_timeout.count() < 1) {
            return;
        }
        const auto sum = mention("linger.ms") + " + " + mention("request.timeout.ms");
        constexpr std::string_view key = "delivery.timeout.ms";
        if (is_default_delivery_timeout()) {
            warning(key, "delivery.timeout.ms is raised to " + std::to_string(least.count()) +
                             ", because of " + sum);
        } else {
            error(key, mention(key) + " is less than " + sum +
                           ": no request could end in time; raise it to at least " +
                           std::to_string(least.count()) + ", or lower the others");
        }
    }

    bool is_default_delivery_timeout() const
    {
        return place("delivery.timeout.ms").empty() &&
               config_.delivery_timeout == producer_config{}.delivery_timeout;
    }

    void check_memory()
    {
        constexpr std::string_view key = "batch.size";
        if (config_.batch_size > config_.buffer_memory) {
            const auto memory = mention("buffer.memory");
            if (place(key).empty() && config_.batch_size == default_batch_size) {
                warning(key, "batch.size is lowered to " + std::to_string(config_.buffer_memory) +
                                 ", because of " + memory);
            } else {
                error(key, mention(key) + " is more than " + memory +
                               ": a full batch would not fit; raise buffer.memory or lower batch.size");
            }
        } else if (config_.batch_size > config_.max_request_size) {
            warning(key, mention(key) + " is more than " + mention("max.request.size") +
                             "; batches end at the size of a request");
        }
    }

    void check_backoff(std::string_view key, std::string_view max_key, std::chrono::milliseconds first,
                       std::chrono::milliseconds max)
    {
        if (first <= max) return;
        warning(key, mention(key) + " is more than " + mention(max_key) + ", so that it is always " +
                         std::to_string(max.count()) + " ms; raise " + std::string{max_key} + " too");
    }

    void check_partitioner()
    {
        if (config_.partitioner_rack_aware && config_.client_rack.empty())
            error("client.rack", mention("partitioner.rack.aware") +
                                     " needs client.rack; set it to the broker.rack "
                                     "of the brokers nearby, or partitioner.rack.aware to false");
        if (config_.partitioner_availability_timeout.count() <= 0) return;
        if (config_.partitioner_adaptive_partitioning_enable) return;
        warning("partitioner.availability.timeout.ms",
                mention("partitioner.availability.timeout.ms") + " has no effect with " +
                    mention("partitioner.adaptive.partitioning.enable") + "; set that to true, or this to 0");
    }

    void check_login()
    {
        constexpr std::string_view key = "sasl.mechanism";
        const auto& mechanism = config_.sasl_mechanism;
        const auto allowed = [](char c) {
            return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        };
        const bool user = !config_.sasl_username.empty(), password = static_cast<bool>(config_.sasl_password);
        if (mechanism.find(',') != std::string::npos)
            error(key, mention(key) +
                           " names several; which one is used must not be the broker's choice, name one");
        else if (mechanism.size() > 20 || !std::ranges::all_of(mechanism, allowed))
            error(key, "sasl.mechanism=\"" + wire::escape(mechanism, 40) + '"' + place(key) +
                           " is no mechanism; write PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER");
        if (user != password)
            error("sasl.username", user ? "sasl.username" + place("sasl.username") + " has no sasl.password"
                                        : "sasl.password" + place("sasl.password") + " has no sasl.username");
        if ((!mechanism.empty() || user) && !config_.uses_sasl())
            warning("security.protocol",
                    mention("security.protocol") +
                        " doesn't log in, though there is a sasl setting; set SASL_SSL, or remove "
                        "the sasl settings");
    }

    static std::chrono::milliseconds least_delivery_timeout(const producer_config& config)
    {
        constexpr std::chrono::milliseconds max{int_max};
        return std::min(std::min(config.linger, max) + std::min(config.request_timeout, max), max);
    }

    friend producer_config resolve(producer_config);

    const producer_config& config_;
    std::span<const config_line> lines_;
    config_problems problems_;
};

inline producer_config resolve(producer_config config)
{
    config.enable_idempotence = config.idempotent();
    config.delivery_timeout =
        std::max(config.delivery_timeout, config_checker::least_delivery_timeout(config));
    config.batch_size = std::min({config.batch_size, config.buffer_memory, config.max_request_size});
    config.retry_backoff = std::min(config.retry_backoff, config.retry_backoff_max);
    config.reconnect_backoff = std::min(config.reconnect_backoff, config.reconnect_backoff_max);
    config.socket_connection_setup_timeout =
        std::min(config.socket_connection_setup_timeout, config.socket_connection_setup_timeout_max);
    if (config.connections_max_idle.count() < 0) config.connections_max_idle = duration_max;
    for (const auto& row : setting_rows) {
        if (row.kind == setting_kind::milliseconds && row.get(config) > duration_max.count()) {
            row.set(config, duration_max.count());
        }
    }
    return config;
}

} // namespace detail

// All problems; none, or only warnings, when a producer can run with it. The lines say where a file has keys.
inline config_problems validate(const producer_config& config, std::span<const config_line> lines = {})
{
    return detail::config_checker{config, lines}.check();
}

// What a valid configuration comes to: enable_idempotence is decided, timeouts that depend on each other
// agree, endless durations are finite.
inline producer_config resolved(const producer_config& config)
{
    return detail::resolve(config);
}

// The servers of a valid configuration.
inline std::vector<server_address> bootstrap_addresses(const producer_config& config)
{
    std::vector<server_address> addresses;
    for (const auto& text : config.bootstrap_servers) {
        server_address address;
        if (!parse_server_address(text, address)) addresses.push_back(std::move(address));
    }
    return addresses;
}

} // namespace kurier::inline KURIER_ABI
