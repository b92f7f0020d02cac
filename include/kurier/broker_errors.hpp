// What kurier knows about each of Kafka's error codes: whether trying again may help, what it says, and what
// one can do about it. Codes that a producer never meets have no text of their own.
#pragma once

#include <kurier/broker_errc.hpp>

#include <cstddef>

namespace kurier::inline KURIER_ABI::detail {

enum class broker_error_kind : unsigned char {
    permanent,
    retry,
    refresh, // retry, after asking for metadata again (Java's InvalidMetadataException)
};

struct broker_error_row
{
    const char* name;
    broker_error_kind kind;
    const char* text = "";
    const char* advice = "";
};

struct broker_error_table
{
    using enum broker_error_kind;

    // Row n is code n - 1.
    static constexpr broker_error_row rows[] = {
        {"UNKNOWN_SERVER_ERROR", permanent, "the broker hit an unexpected error of its own",
         "look into the broker's log at this time; the record may or may not be there"},
        {"NONE", permanent, "no error"},
        {"OFFSET_OUT_OF_RANGE", permanent},
        {"CORRUPT_MESSAGE", retry,
         "the broker found the batch corrupt (checksum or size), or a null key in a compacted topic",
         "if the topic has cleanup.policy=compact, give each record a key; otherwise suspect the "
         "network between here and the broker"},
        {"UNKNOWN_TOPIC_OR_PARTITION", refresh, "the broker does not know this topic or partition",
         "create the topic, check its spelling and this client's DESCRIBE permission, or set "
         "auto.create.topics.enable=true on the brokers; max.block.ms bounds how long a send waits "
         "for it"},
        {"INVALID_FETCH_SIZE", permanent},
        {"LEADER_NOT_AVAILABLE", refresh, "the partition has no leader for the moment",
         "wait for the election; when it lasts, check that the brokers that hold the partition run"},
        {"NOT_LEADER_OR_FOLLOWER", refresh, "this broker is not the leader of the partition any more",
         "metadata is refreshed and the batch sent again; when it lasts, check advertised.listeners "
         "of the brokers"},
        {"REQUEST_TIMED_OUT", retry,
         "the broker could not finish the request in time, for instance because followers lag",
         "raise request.timeout.ms, or look for slow followers; retries and delivery.timeout.ms "
         "bound how long the record is tried"},
        {"BROKER_NOT_AVAILABLE", permanent},
        {"REPLICA_NOT_AVAILABLE", refresh, "the replica is not available on this broker"},
        {"MESSAGE_TOO_LARGE", permanent, "the batch is larger than the broker or topic allows",
         "lower batch.size and max.request.size, or raise max.message.bytes of the topic "
         "(message.max.bytes of the broker); compression.type helps too"},
        {"STALE_CONTROLLER_EPOCH", permanent},
        {"OFFSET_METADATA_TOO_LARGE", permanent, "the metadata of a committed offset is too long",
         "shorten it, or raise offset.metadata.max.bytes of the broker"},
        {"NETWORK_EXCEPTION", refresh, "the connection was lost before the answer came"},
        {"COORDINATOR_LOAD_IN_PROGRESS", retry, "the coordinator is still loading its state",
         "usual for a moment after a broker started"},
        {"COORDINATOR_NOT_AVAILABLE", retry, "the coordinator is not available",
         "usual for a moment after a broker started; when it lasts, check the brokers' internal "
         "topic __transaction_state"},
        {"NOT_COORDINATOR", retry, "this broker is not the coordinator"},
        {"INVALID_TOPIC_EXCEPTION", permanent,
         "the broker calls this topic name invalid, or the topic is internal",
         "use a name of letters, digits, '.', '_' and '-', at most 249 long, and do not write to "
         "internal topics"},
        {"RECORD_LIST_TOO_LARGE", permanent, "the batch is larger than a segment of the partition's log",
         "lower batch.size, or raise segment.bytes of the topic"},
        {"NOT_ENOUGH_REPLICAS", retry,
         "fewer replicas are in sync than min.insync.replicas asks for; nothing was written",
         "bring the missing brokers back, lower min.insync.replicas of the topic, or use acks=1 if "
         "losing records is acceptable"},
        {"NOT_ENOUGH_REPLICAS_AFTER_APPEND", retry,
         "the batch was written by the leader, but fewer replicas than min.insync.replicas "
         "confirmed it",
         "bring the missing brokers back or lower min.insync.replicas of the topic; the record may "
         "be read already"},
        {"INVALID_REQUIRED_ACKS", permanent, "the broker does not accept this value of acks",
         "set acks to all, 1 or 0"},
        {"ILLEGAL_GENERATION", permanent, "the consumer group has rebalanced since these offsets were read",
         "abort the transaction, read the group metadata from the consumer again and go on from what is "
         "assigned now"},
        {"INCONSISTENT_GROUP_PROTOCOL", permanent},
        {"INVALID_GROUP_ID", permanent, "the group id is empty or not allowed",
         "pass the group.id of the consumer whose offsets these are"},
        {"UNKNOWN_MEMBER_ID", permanent, "the consumer is not a member of its group any more",
         "abort the transaction; the consumer must poll more often than max.poll.interval.ms, or the "
         "transactions be shorter"},
        {"INVALID_SESSION_TIMEOUT", permanent},
        {"REBALANCE_IN_PROGRESS", permanent, "the consumer group is rebalancing",
         "abort the transaction, let the consumer poll and go on from what is assigned then"},
        {"INVALID_COMMIT_OFFSET_SIZE", permanent},
        {"TOPIC_AUTHORIZATION_FAILED", permanent, "this client is not allowed to write to the topic",
         "grant WRITE and DESCRIBE on the topic to this client's principal (kafka-acls --producer), "
         "or check which principal it logs in as"},
        {"GROUP_AUTHORIZATION_FAILED", permanent,
         "this client is not allowed to commit offsets for the group",
         "grant READ on the group to this client's principal"},
        {"CLUSTER_AUTHORIZATION_FAILED", permanent, "this client is not allowed to do this on the cluster",
         "grant WRITE on the topic (from Kafka 2.8 on) or IDEMPOTENT_WRITE on the cluster, or set "
         "enable.idempotence=false"},
        {"INVALID_TIMESTAMP", permanent,
         "the record's timestamp is outside the range that the broker accepts",
         "correct the record's timestamp, or raise message.timestamp.before.max.ms / "
         "message.timestamp.after.max.ms of the topic (brokers refuse more than 1 h ahead); check "
         "this machine's clock"},
        {"UNSUPPORTED_SASL_MECHANISM", permanent, "the broker does not offer this SASL mechanism",
         "set sasl.mechanism to one of sasl.enabled.mechanisms of the broker"},
        {"ILLEGAL_SASL_STATE", permanent, "the broker expected another step of the SASL handshake",
         "check that security.protocol matches the listener"},
        {"UNSUPPORTED_VERSION", permanent, "the broker does not support this version of the request",
         "use Apache Kafka 2.1 or newer, and brokers of one version behind a load balancer"},
        {"TOPIC_ALREADY_EXISTS", permanent},
        {"INVALID_PARTITIONS", permanent, "the number of partitions is invalid"},
        {"INVALID_REPLICATION_FACTOR", permanent},
        {"INVALID_REPLICA_ASSIGNMENT", permanent},
        {"INVALID_CONFIG", permanent},
        {"NOT_CONTROLLER", retry, "this broker is not the controller"},
        {"INVALID_REQUEST", permanent, "the broker calls the request malformed",
         "compare the versions of client and broker; the broker's log says more"},
        {"UNSUPPORTED_FOR_MESSAGE_FORMAT", permanent,
         "the topic's message format does not support the request",
         "remove message.format.version from the topic, or log.message.format.version from the "
         "broker"},
        {"POLICY_VIOLATION", permanent, "a policy of the broker refuses the request",
         "ask who runs the cluster for its create.topic.policy and alter.config.policy"},
        {"OUT_OF_ORDER_SEQUENCE_NUMBER", permanent,
         "the broker expected another sequence number: an earlier batch is missing there",
         "the producer starts a new epoch by itself; when it repeats, check the topic's retention "
         "and whether its log was truncated by an unclean election"},
        {"DUPLICATE_SEQUENCE_NUMBER", permanent, "the broker has this batch already"},
        {"INVALID_PRODUCER_EPOCH", permanent, "the broker knows a newer epoch of this producer id",
         "the producer takes a new epoch by itself; a transactional one was replaced by another "
         "with the same transactional.id"},
        {"INVALID_TXN_STATE", permanent, "the transaction is in a state that does not allow this",
         "abort the transaction and begin a new one"},
        {"INVALID_PRODUCER_ID_MAPPING", permanent,
         "the producer id does not belong to the transactional id any more",
         "the transaction was idle longer than transactional.id.expiration.ms of the broker; make a "
         "new producer"},
        {"INVALID_TRANSACTION_TIMEOUT", permanent, "the transaction timeout is larger than the broker allows",
         "lower transaction.timeout.ms, or raise transaction.max.timeout.ms of the broker"},
        {"CONCURRENT_TRANSACTIONS", retry, "another operation on the same transaction is still going on"},
        {"TRANSACTION_COORDINATOR_FENCED", permanent,
         "the markers came from a transaction coordinator that was replaced",
         "the newer coordinator ends the transaction by itself"},
        {"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", permanent,
         "this client is not allowed to use this transactional id",
         "grant WRITE on the transactional id to this client's principal"},
        {"SECURITY_DISABLED", permanent, "the cluster has no authorizer"},
        {"OPERATION_NOT_ATTEMPTED", permanent,
         "the broker did not try this partition because another one of the request failed",
         "see the error of that partition; abort the transaction and begin a new one"},
        {"KAFKA_STORAGE_ERROR", refresh, "the broker could not write to its disk",
         "check the disks of that broker; its partitions move to other replicas when there are any"},
        {"LOG_DIR_NOT_FOUND", permanent},
        {"SASL_AUTHENTICATION_FAILED", permanent, "the login failed",
         "check the user name, the password and sasl.mechanism"},
        {"UNKNOWN_PRODUCER_ID", permanent,
         "the broker has forgotten this producer id, usually because retention deleted its records",
         "the producer takes a new epoch by itself; when it repeats, retention.ms of the topic is "
         "shorter than the pauses between records"},
        {"REASSIGNMENT_IN_PROGRESS", permanent},
        {"DELEGATION_TOKEN_AUTH_DISABLED", permanent},
        {"DELEGATION_TOKEN_NOT_FOUND", permanent},
        {"DELEGATION_TOKEN_OWNER_MISMATCH", permanent},
        {"DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", permanent},
        {"DELEGATION_TOKEN_AUTHORIZATION_FAILED", permanent},
        {"DELEGATION_TOKEN_EXPIRED", permanent},
        {"INVALID_PRINCIPAL_TYPE", permanent},
        {"NON_EMPTY_GROUP", permanent},
        {"GROUP_ID_NOT_FOUND", permanent, "the broker knows no such consumer group",
         "check the group id, and that its consumer has joined"},
        {"FETCH_SESSION_ID_NOT_FOUND", retry},
        {"INVALID_FETCH_SESSION_EPOCH", retry},
        {"LISTENER_NOT_FOUND", refresh, "the leader has no listener of the kind this client used",
         "give all brokers the same listener names in advertised.listeners"},
        {"TOPIC_DELETION_DISABLED", permanent},
        {"FENCED_LEADER_EPOCH", refresh, "the leader epoch is older than the broker's"},
        {"UNKNOWN_LEADER_EPOCH", retry, "the leader epoch is newer than the broker's"},
        {"UNSUPPORTED_COMPRESSION_TYPE", permanent, "the broker does not support this compression",
         "zstd needs Kafka 2.1 or newer; set compression.type to another codec"},
        {"STALE_BROKER_EPOCH", permanent},
        {"OFFSET_NOT_AVAILABLE", retry},
        {"MEMBER_ID_REQUIRED", permanent},
        {"PREFERRED_LEADER_NOT_AVAILABLE", refresh},
        {"GROUP_MAX_SIZE_REACHED", permanent},
        {"FENCED_INSTANCE_ID", permanent,
         "another consumer with the same group.instance.id has replaced this one",
         "give each consumer of the group a group.instance.id of its own"},
        {"ELIGIBLE_LEADERS_NOT_AVAILABLE", refresh},
        {"ELECTION_NOT_NEEDED", refresh},
        {"NO_REASSIGNMENT_IN_PROGRESS", permanent},
        {"GROUP_SUBSCRIBED_TO_TOPIC", permanent},
        {"INVALID_RECORD", permanent, "the broker's validation refused the record",
         "if the topic has cleanup.policy=compact, give each record a key; the broker's text names "
         "the record"},
        {"UNSTABLE_OFFSET_COMMIT", retry},
        {"THROTTLING_QUOTA_EXCEEDED", retry, "a quota of the broker is used up",
         "send less, or ask for a larger quota for this client.id or principal"},
        {"PRODUCER_FENCED", permanent,
         "a newer producer with the same transactional id has replaced this one",
         "run one producer for each transactional.id"},
        {"RESOURCE_NOT_FOUND", permanent},
        {"DUPLICATE_RESOURCE", permanent},
        {"UNACCEPTABLE_CREDENTIAL", permanent},
        {"INCONSISTENT_VOTER_SET", permanent},
        {"INVALID_UPDATE_VERSION", permanent},
        {"FEATURE_UPDATE_FAILED", permanent},
        {"PRINCIPAL_DESERIALIZATION_FAILURE", permanent},
        {"SNAPSHOT_NOT_FOUND", permanent},
        {"POSITION_OUT_OF_RANGE", permanent},
        {"UNKNOWN_TOPIC_ID", refresh,
         "the broker does not know this topic id: the topic was deleted, or deleted and made again"},
        {"DUPLICATE_BROKER_REGISTRATION", permanent},
        {"BROKER_ID_NOT_REGISTERED", permanent},
        {"INCONSISTENT_TOPIC_ID", refresh, "the topic id of the log and of the request differ"},
        {"INCONSISTENT_CLUSTER_ID", permanent},
        {"TRANSACTIONAL_ID_NOT_FOUND", permanent, "the broker knows no such transactional id",
         "check its spelling; an idle one is forgotten after transactional.id.expiration.ms of the broker"},
        {"FETCH_SESSION_TOPIC_ID_ERROR", retry},
        {"INELIGIBLE_REPLICA", permanent},
        {"NEW_LEADER_ELECTED", permanent},
        {"OFFSET_MOVED_TO_TIERED_STORAGE", permanent},
        {"FENCED_MEMBER_EPOCH", permanent,
         "the group's coordinator has given the consumer's partitions to others",
         "abort the transaction; the consumer must join its group again"},
        {"UNRELEASED_INSTANCE_ID", permanent},
        {"UNSUPPORTED_ASSIGNOR", permanent},
        {"STALE_MEMBER_EPOCH", permanent,
         "the consumer's partitions have changed since these offsets were read",
         "abort the transaction, read the group metadata from the consumer again and go on from what is "
         "assigned now"},
        {"MISMATCHED_ENDPOINT_TYPE", permanent},
        {"UNSUPPORTED_ENDPOINT_TYPE", permanent},
        {"UNKNOWN_CONTROLLER_ID", permanent},
        {"UNKNOWN_SUBSCRIPTION_ID", permanent},
        {"TELEMETRY_TOO_LARGE", permanent},
        {"INVALID_REGISTRATION", permanent},
        {"TRANSACTION_ABORTABLE", permanent, "the transaction must be aborted",
         "abort the transaction and begin a new one"},
        {"INVALID_RECORD_STATE", permanent},
        {"SHARE_SESSION_NOT_FOUND", retry},
        {"INVALID_SHARE_SESSION_EPOCH", retry},
        {"FENCED_STATE_EPOCH", permanent},
        {"INVALID_VOTER_KEY", permanent},
        {"DUPLICATE_VOTER", permanent},
        {"VOTER_NOT_FOUND", permanent},
        {"INVALID_REGULAR_EXPRESSION", permanent},
        {"REBOOTSTRAP_REQUIRED", permanent,
         "the broker belongs to another cluster or has another id than this client thought",
         "the client starts again from bootstrap.servers by itself "
         "(metadata.recovery.strategy=rebootstrap); when it repeats, a name in bootstrap.servers or "
         "advertised.listeners leads to the wrong cluster"},
        {"STREAMS_INVALID_TOPOLOGY", permanent},
        {"STREAMS_INVALID_TOPOLOGY_EPOCH", permanent},
        {"STREAMS_TOPOLOGY_FENCED", permanent},
        {"SHARE_SESSION_LIMIT_REACHED", retry},
        {"GROUP_DELETION_FAILED", permanent},
        {"STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED", permanent},
        {"CONTROLLER_ID_NOT_REGISTERED", permanent},
    };
};

inline constexpr std::size_t broker_error_count = sizeof broker_error_table::rows / sizeof(broker_error_row);
static_assert(broker_error_count == static_cast<std::size_t>(broker_errc::controller_id_not_registered) + 2);

} // namespace kurier::inline KURIER_ABI::detail
