// Errors: kurier's own (errc) and Kafka's (broker_errc), each with a category, and what follows from them: may
// one try again, was something written, what to change. What belongs to one delivery is in delivery_error.hpp.
#pragma once

#include <kurier/broker_errc.hpp>
#include <kurier/broker_errors.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <string>
#include <string_view>
#include <type_traits>

namespace kurier::inline KURIER_ABI {

// As Asio has it.
using error_code = boost::system::error_code;

// What went wrong on this side, or between here and a broker. A broker's own answer is a broker_errc.
enum class errc {
    // Refused before anything was queued
    configuration = 1, // the settings contradict each other or are out of range
    invalid_topic,
    invalid_partition, // negative, or the topic has no such partition
    invalid_record,    // headers or timestamp that Kafka can't store
    record_too_large,
    serialization_failed,
    buffer_full,        // try_send, or more senders wait than kurier.waiting.memory allows
    max_block_exceeded, // send waited for room, or for the topic's metadata, until max.block.ms
    compression_unavailable,
    // Records that were queued
    delivery_timeout, // tried until delivery.timeout.ms
    batch_expired,    // never left this process within delivery.timeout.ms
    record_expired,   // the record's own timeout
    retries_exhausted,
    withdrawn,   // cancelled before it was sent: certainly not written
    abandoned,   // the wait was cancelled after the record was sent: it may be written
    aborted,     // the producer was destroyed, or closed with a timeout
    closed,      // the producer is closed, or closing
    fatal_state, // an earlier error (fencing, authorization) ended this producer
    batch_failed_with_other_record,
    // Connections
    resolve_failed,
    connect_failed,
    connect_timed_out,
    request_timed_out,
    disconnected,
    no_broker_available,
    // What a peer said
    protocol_error, // bytes that no Kafka broker sends
    response_too_large,
    correlation_mismatch,
    unexpected_response,
    http_peer, // the port belongs to an HTTP server
    tls_peer,  // the port expects TLS
    unsupported_version,
    // TLS
    plaintext_peer,      // the port doesn't speak TLS
    tls_failed,          // no common version, a damaged record
    untrusted_broker,    // its certificate isn't valid, or not for this host
    certificate_refused, // the broker wants a certificate of ours, or another one
    // Who we are
    credential_unavailable, // a password that can't be read, a token that can't be had
    authentication_failed,  // a login that ended otherwise than by the broker's refusal
};

// Is the record in its partition's log? `possibly`: a request was sent, and its response is missing or leaves it open.
enum class persisted : std::uint8_t { no, possibly, yes };

} // namespace kurier::inline KURIER_ABI

template <> struct boost::system::is_error_code_enum<kurier::errc> : std::true_type
{};
template <> struct boost::system::is_error_code_enum<kurier::broker_errc> : std::true_type
{};

namespace kurier::inline KURIER_ABI {

namespace detail {

struct client_error_row
{
    errc code;
    const char* name;
    bool retriable; // the same call may succeed later
    const char* text;
    const char* advice = "";
};

// Row n is code n + 1.
inline constexpr client_error_row client_error_rows[] = {
    {errc::configuration, "CONFIGURATION", false, "the configuration is invalid",
     "validate() lists each problem with its key, value, allowed range and remedy"},
    {errc::invalid_topic, "INVALID_TOPIC", false, "the topic name is invalid",
     "use 1 to 249 letters, digits, '.', '_' and '-', but not '.' or '..' alone"},
    {errc::invalid_partition, "INVALID_PARTITION", false, "the topic has no such partition",
     "leave the partition out of the record so that the partitioner picks one, or ask partitions_for(topic)"},
    {errc::invalid_record, "INVALID_RECORD", false, "the record cannot be stored by Kafka",
     "the message says which part; timestamps are milliseconds since 1970, and a header has a name"},
    {errc::record_too_large, "RECORD_TOO_LARGE", false, "the record is larger than this producer may send",
     "raise max.request.size (and max.message.bytes of the topic), and buffer.memory when that is smaller"},
    {errc::serialization_failed, "SERIALIZATION_FAILED", false,
     "the serializer refused the key or the value"},
    {errc::buffer_full, "BUFFER_FULL", true, "no memory is left for records",
     "wait for deliveries, or raise buffer.memory or kurier.waiting.memory"},
    {errc::max_block_exceeded, "MAX_BLOCK_EXCEEDED", true,
     "neither room in the buffer nor the topic's metadata came in time",
     "raise max.block.ms or buffer.memory; when the topic is unknown, create it and check its spelling"},
    {errc::compression_unavailable, "COMPRESSION_UNAVAILABLE", false,
     "this program or the broker lacks the codec that compression.type names",
     "link the codec's component and pass it to the producer, use zstd with brokers from Kafka 2.1 on only, "
     "or "
     "set compression.type=none"},
    {errc::delivery_timeout, "DELIVERY_TIMEOUT", true, "not confirmed within delivery.timeout.ms",
     "look at the last error that a broker gave; raise delivery.timeout.ms when the cluster was only slow"},
    {errc::batch_expired, "BATCH_EXPIRED", true, "could not be sent within delivery.timeout.ms",
     "the leader was out of reach or slower than the records come: check that broker, or raise "
     "delivery.timeout.ms"},
    {errc::record_expired, "RECORD_EXPIRED", true, "not confirmed within the record's timeout",
     "give the record more time; delivery.timeout.ms bounds it too"},
    {errc::retries_exhausted, "RETRIES_EXHAUSTED", true, "every retry failed",
     "leave retries at its default, so that delivery.timeout.ms alone bounds the time"},
    {errc::withdrawn, "WITHDRAWN", false, "cancelled before it was sent"},
    {errc::abandoned, "ABANDONED", false, "the wait was cancelled after the record was sent",
     "cancelling cannot take back what was sent; await the delivery to learn its fate"},
    {errc::aborted, "ABORTED", false, "the producer ended before the record was confirmed",
     "await close() before the producer is destroyed, with a longer timeout if it has one"},
    {errc::closed, "CLOSED", false, "the producer is closed", "send before close() is called"},
    {errc::fatal_state, "FATAL_STATE", false, "an earlier error ended this producer",
     "mend what the earlier error names, then make a new producer"},
    {errc::batch_failed_with_other_record, "BATCH_FAILED_WITH_OTHER_RECORD", true,
     "the broker refused the batch because of another record in it", "send this record again"},
    {errc::resolve_failed, "RESOLVE_FAILED", true, "the host name does not resolve",
     "check bootstrap.servers, and advertised.listeners of the brokers, from this machine's point of view"},
    {errc::connect_failed, "CONNECT_FAILED", true, "no connection to the broker",
     "check bootstrap.servers (host and port), advertised.listeners of the brokers, and firewalls"},
    {errc::connect_timed_out, "CONNECT_TIMED_OUT", true, "the connection was not made in time",
     "a firewall that drops packets does this; socket.connection.setup.timeout.ms bounds the wait"},
    {errc::request_timed_out, "REQUEST_TIMED_OUT", true,
     "the broker did not answer within request.timeout.ms",
     "check that the broker runs and is not overloaded, or raise request.timeout.ms"},
    {errc::disconnected, "DISCONNECTED", true, "the connection was lost",
     "when it repeats right after connecting, compare security.protocol with the listener"},
    {errc::no_broker_available, "NO_BROKER_AVAILABLE", true, "no broker can be reached",
     "check bootstrap.servers and the network"},
    {errc::protocol_error, "PROTOCOL_ERROR", true, "the peer sent bytes that no Kafka broker sends",
     "check that bootstrap.servers names a Kafka listener"},
    {errc::response_too_large, "RESPONSE_TOO_LARGE", true, "the response is larger than allowed",
     "check that the port is a Kafka listener; if it is, raise kurier.max.response.size"},
    {errc::correlation_mismatch, "CORRELATION_MISMATCH", true, "the response belongs to another request",
     "something between here and the broker mixes up connections"},
    {errc::unexpected_response, "UNEXPECTED_RESPONSE", true, "a response came that nobody asked for",
     "something between here and the broker mixes up connections"},
    {errc::http_peer, "HTTP_PEER", true, "an HTTP server answered, not Kafka",
     "correct the port in bootstrap.servers (or in advertised.listeners); Kafka's usual port is 9092"},
    {errc::tls_peer, "TLS_PEER", true, "the listener expects TLS",
     "set security.protocol=SSL or SASL_SSL, or use the port of a listener without TLS"},
    {errc::unsupported_version, "UNSUPPORTED_VERSION", false,
     "the broker and this library have no version of the request in common", "use Apache Kafka 2.1 or newer"},
    {errc::plaintext_peer, "PLAINTEXT_PEER", true, "the listener does not speak TLS",
     "use the port of an SSL or SASL_SSL listener, or set security.protocol as this one has it"},
    {errc::tls_failed, "TLS_FAILED", true, "TLS with the broker failed",
     "compare the TLS versions and ciphers of both sides"},
    {errc::untrusted_broker, "UNTRUSTED_BROKER", true, "the broker's certificate is not trusted",
     "check ssl.truststore.location (or ssl.ca.location) and the broker's certificate"},
    {errc::certificate_refused, "CERTIFICATE_REFUSED", true, "the broker refuses this client's certificate",
     "check ssl.keystore.location, and the authorities that the broker trusts"},
    {errc::credential_unavailable, "CREDENTIAL_UNAVAILABLE", true,
     "the credential for the login can't be had"},
    {errc::authentication_failed, "AUTHENTICATION_FAILED", true, "the login failed"},
};

constexpr bool rows_in_order()
{
    int expected = 0;
    for (const auto& row : client_error_rows) {
        if (static_cast<int>(row.code) != ++expected) return false;
    }
    return expected == static_cast<int>(errc::authentication_failed);
}
static_assert(rows_in_order());

constexpr const client_error_row* find_row(errc code)
{
    const auto index = static_cast<unsigned>(code) - 1u;
    return index < std::size(client_error_rows) ? &client_error_rows[index] : nullptr;
}

constexpr const broker_error_row* find_row(broker_errc code)
{
    const auto index = static_cast<std::size_t>(static_cast<int>(code)) + 1; // from -1
    return index < broker_error_count ? &broker_error_table::rows[index] : nullptr;
}

class client_category_type final : public boost::system::error_category
{
public:
    constexpr client_category_type() noexcept : error_category{0x6b75726965720001u} {}
    const char* name() const noexcept override { return "kurier"; }
    std::string message(int code) const override
    {
        const auto* row = find_row(static_cast<errc>(code));
        return row ? row->text : "unknown kurier error " + std::to_string(code);
    }
};

class broker_category_type final : public boost::system::error_category
{
public:
    constexpr broker_category_type() noexcept : error_category{0x6b75726965720002u} {}
    const char* name() const noexcept override { return "kafka"; }
    std::string message(int code) const override
    {
        const auto* row = find_row(static_cast<broker_errc>(code));
        if (!row) return "error " + std::to_string(code) + ", which is newer than this library";
        return *row->text ? std::string{row->name} + ": " + row->text : row->name;
    }
};

} // namespace detail

// Of errc: what kurier itself says.
inline const boost::system::error_category& client_category() noexcept
{
    static const detail::client_category_type category;
    return category;
}

// Of broker_errc: what a broker says, under Kafka's own numbers.
inline const boost::system::error_category& broker_category() noexcept
{
    static const detail::broker_category_type category;
    return category;
}

// Let `ec == errc::closed` and `return errc::closed` do what they say.
inline error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), client_category()};
}
// The same for a broker's code.
inline error_code make_error_code(broker_errc code) noexcept
{
    return {static_cast<int>(code), broker_category()};
}

// "NOT_LEADER_OR_FOLLOWER"; "UNKNOWN_ERROR_CODE" for a code that is newer than this library.
constexpr std::string_view error_name(broker_errc code)
{
    const auto* row = detail::find_row(code);
    return row ? row->name : "UNKNOWN_ERROR_CODE";
}

// In capitals, as Kafka writes its own: "RECORD_TOO_LARGE". Stable, for logs and metrics.
constexpr std::string_view error_name(errc code)
{
    const auto* row = detail::find_row(code);
    return row ? row->name : "UNKNOWN_ERROR_CODE";
}

// "SYSTEM_ERROR" for an error of the operating system or another library.
inline std::string_view error_name(const error_code& ec)
{
    if (ec.category() == broker_category()) return error_name(static_cast<broker_errc>(ec.value()));
    if (ec.category() == client_category()) return error_name(static_cast<errc>(ec.value()));
    return ec ? "SYSTEM_ERROR" : "NONE";
}

// May the same request succeed later? For a failed delivery: may one send the record again and hope.
constexpr bool retriable(broker_errc code)
{
    const auto* row = detail::find_row(code);
    return row && row->kind != detail::broker_error_kind::permanent;
}

// May the same record be sent again with hope of success? kurier retries by itself until delivery.timeout.ms, so this is for
// who keeps records for longer.
constexpr bool retriable(errc code)
{
    const auto* row = detail::find_row(code);
    return row && row->retriable;
}

// Errors of the operating system count as trouble of the network, which passes.
inline bool retriable(const error_code& ec)
{
    if (ec.category() == broker_category()) return retriable(static_cast<broker_errc>(ec.value()));
    if (ec.category() == client_category()) return retriable(static_cast<errc>(ec.value()));
    return ec.failed();
}

// Does it say that the leader is not the one that was asked?
constexpr bool refreshes_metadata(broker_errc code)
{
    const auto* row = detail::find_row(code);
    return row && row->kind == detail::broker_error_kind::refresh;
}

// What one answer to a Produce request says about the batch. A failed delivery must join this with what
// earlier attempts left open: a refusal now does not undo an attempt that timed out before.
constexpr persisted what_was_written(broker_errc produce_error)
{
    switch (produce_error) {
    case broker_errc::none:
        return persisted::yes;
    // Checked before the leader appends anything.
    case broker_errc::unknown_topic_or_partition:
    case broker_errc::unknown_topic_id:
    case broker_errc::inconsistent_topic_id:
    case broker_errc::corrupt_message:
    case broker_errc::leader_not_available:
    case broker_errc::message_too_large:
    case broker_errc::invalid_topic_exception:
    case broker_errc::record_list_too_large:
    case broker_errc::not_enough_replicas:
    case broker_errc::invalid_required_acks:
    case broker_errc::coordinator_load_in_progress:
    case broker_errc::coordinator_not_available:
    case broker_errc::not_coordinator:
    case broker_errc::topic_authorization_failed:
    case broker_errc::cluster_authorization_failed:
    case broker_errc::transactional_id_authorization_failed:
    case broker_errc::invalid_timestamp:
    case broker_errc::unsupported_version:
    case broker_errc::invalid_request:
    case broker_errc::unsupported_for_message_format:
    case broker_errc::policy_violation:
    case broker_errc::invalid_producer_epoch:
    case broker_errc::invalid_txn_state:
    case broker_errc::invalid_producer_id_mapping:
    case broker_errc::concurrent_transactions:
    case broker_errc::unknown_producer_id:
    case broker_errc::unsupported_compression_type:
    case broker_errc::invalid_record:
    case broker_errc::throttling_quota_exceeded:
    case broker_errc::producer_fenced:
    case broker_errc::transaction_abortable:
    case broker_errc::rebootstrap_required:
        return persisted::no;
    // Among them NOT_LEADER_OR_FOLLOWER and KAFKA_STORAGE_ERROR: a leader also gives these to a batch that it
    // has appended, when it loses the partition or its disk while waiting for followers.
    default:
        return persisted::possibly;
    }
}

// What one can do about it, with the configuration key to change where there is one; empty when there is
// nothing to do.
inline std::string_view advice(const error_code& ec)
{
    if (ec.category() == broker_category()) {
        const auto* row = detail::find_row(static_cast<broker_errc>(ec.value()));
        return row ? row->advice : "use a newer version of this library; see the list of Kafka's error codes";
    }
    if (ec.category() == client_category()) {
        const auto* row = detail::find_row(static_cast<errc>(ec.value()));
        return row ? row->advice : "";
    }
    return "";
}

} // namespace kurier::inline KURIER_ABI
