// Wrong, late and unwelcome answers: orders them from the cluster_model one at a time, so that each is counted when it
// has really happened.
#pragma once

#include <kurier/testing/cluster_model.hpp>
#include <kurier/testing/simulation/event_log.hpp>
#include <kurier/testing/simulation/fault_source.hpp>
#include <kurier/testing/simulation/response_chaos.hpp>
#include <kurier/testing/simulation/virtual_clock.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

class answer_chaos
{
public:
    answer_chaos(cluster_model& cluster, virtual_clock& clock, fault_source& faults, event_log& log,
                 dice random, std::vector<std::string> topics, bool hash_order)
        : cluster_{cluster}, clock_{clock}, faults_{faults}, log_{log}, random_{random},
          topics_{std::move(topics)}, strange_{cluster, random_.fork(), hash_order}
    {}

    void strike()
    {
        settle();
        if (pending_) return;
        static constexpr std::array kinds{fault_kind::answer_garbage,
                                          fault_kind::answer_wrong_correlation,
                                          fault_kind::answer_twice,
                                          fault_kind::answer_swallowed,
                                          fault_kind::answer_without_partition,
                                          fault_kind::answer_partition_twice,
                                          fault_kind::throttle,
                                          fault_kind::unknown_error_code,
                                          fault_kind::api_versions_error,
                                          fault_kind::metadata_error,
                                          fault_kind::empty_metadata,
                                          fault_kind::metadata_entry_missing,
                                          fault_kind::metadata_error_inside,
                                          fault_kind::odd_response,
                                          fault_kind::init_producer_id_error,
                                          fault_kind::init_producer_id_denied,
                                          fault_kind::produce_retriable,
                                          fault_kind::produce_after_append,
                                          fault_kind::produce_permanent,
                                          fault_kind::produce_any_error,
                                          fault_kind::not_enough_replicas_after_append};
        const auto kind = faults_.which(kinds);
        if (!kind) return;
        faults_.take_back(*kind);
        order(*kind);
        pending_ = kind;
    }

    // Counts the ordered one if it has happened.
    void settle()
    {
        if (!pending_ || !cluster_.faults().empty() || strange_.pending()) return;
        faults_.note(*pending_);
        log_.add(clock_.now(), event_kind::fault, 0, 0, 0, 0, name_of(*pending_));
        pending_.reset();
    }

    void heal()
    {
        settle();
        pending_.reset();
        strange_.heal();
    }

private:
    void order(fault_kind kind)
    {
        using namespace protocol;
        switch (kind) {
        case fault_kind::answer_garbage:
            return spoil(answer_fault::garbage);
        case fault_kind::answer_wrong_correlation:
            return spoil(answer_fault::wrong_correlation_id);
        case fault_kind::answer_twice:
            return spoil(answer_fault::twice);
        case fault_kind::answer_swallowed:
            return spoil(random_.once_in(2) ? answer_fault::swallowed : answer_fault::never);
        case fault_kind::throttle:
            return inject({.throttle_ms = random_.between(1, 3000)});
        case fault_kind::api_versions_error:
            return inject({.api_key = api_versions_request::api_key, .error = one_of(general_errors)});
        case fault_kind::metadata_error:
            return inject({.api_key = metadata_request::api_key, .error = one_of(metadata_errors)});
        case fault_kind::empty_metadata:
        case fault_kind::metadata_entry_missing:
        case fault_kind::metadata_error_inside:
        case fault_kind::odd_response:
            return strange_.order(kind);
        case fault_kind::init_producer_id_error:
            return inject(
                {.api_key = init_producer_id_request::api_key, .error = one_of(coordinator_errors)});
        case fault_kind::init_producer_id_denied:
            return inject({.api_key = init_producer_id_request::api_key,
                           .error = broker_errc::cluster_authorization_failed});
        case fault_kind::answer_without_partition:
            return batch({.error = broker_errc::none, .omit = true});
        case fault_kind::answer_partition_twice:
            return batch({.error = broker_errc::none, .repeat = true});
        case fault_kind::unknown_error_code:
            return batch({.error = static_cast<broker_errc>(999), .after_append = random_.once_in(2)});
        case fault_kind::produce_retriable:
            return batch({.error = one_of(refusals), .times = random_.between(1, 3)});
        case fault_kind::produce_after_append:
            return batch({.error = one_of(late_errors), .after_append = true});
        case fault_kind::produce_permanent:
            return batch({.error = one_of(permanent_errors)});
        case fault_kind::produce_any_error:
            return batch({.error = response_chaos::any_error(random_)});
        case fault_kind::not_enough_replicas_after_append:
            return batch({.error = broker_errc::not_enough_replicas_after_append, .after_append = true});
        default:
            return;
        }
    }

    void spoil(answer_fault how) { inject({.answer = how}); }
    void inject(fault ordered) { cluster_.inject(std::move(ordered)); }

    void batch(partition_fault ordered)
    {
        const auto& name = topics_[random_.below(topics_.size())];
        const auto* topic = cluster_.state().metadata().find_topic(std::string_view{name});
        const auto partition = topic ? random_.below(topic->partitions.size()) : 0;
        cluster_.faults().add(name, static_cast<std::int32_t>(partition), ordered);
    }

    template <std::size_t Count> broker_errc one_of(const std::array<broker_errc, Count>& errors)
    {
        return errors[random_.below(Count)];
    }

    static constexpr std::array general_errors{broker_errc::invalid_request, broker_errc::unsupported_version,
                                               broker_errc::unknown_server_error};
    static constexpr std::array metadata_errors{
        broker_errc::leader_not_available, broker_errc::unknown_topic_or_partition,
        broker_errc::topic_authorization_failed, broker_errc::unknown_server_error,
        broker_errc::invalid_topic_exception};
    static constexpr std::array coordinator_errors{
        broker_errc::coordinator_load_in_progress, broker_errc::not_coordinator,
        broker_errc::coordinator_not_available, broker_errc::concurrent_transactions,
        broker_errc::request_timed_out};
    // Checked before anything is appended.
    static constexpr std::array refusals{
        broker_errc::not_leader_or_follower, broker_errc::unknown_topic_or_partition,
        broker_errc::leader_not_available,   broker_errc::not_enough_replicas,
        broker_errc::kafka_storage_error,    broker_errc::corrupt_message,
        broker_errc::fenced_leader_epoch,    broker_errc::throttling_quota_exceeded,
        broker_errc::unknown_topic_id,       broker_errc::coordinator_load_in_progress,
        broker_errc::network_exception,      broker_errc::unknown_leader_epoch};
    // A leader also gives these to what it has appended.
    static constexpr std::array late_errors{
        broker_errc::request_timed_out, broker_errc::not_leader_or_follower, broker_errc::kafka_storage_error,
        broker_errc::unknown_server_error};
    static constexpr std::array permanent_errors{broker_errc::topic_authorization_failed,
                                                 broker_errc::cluster_authorization_failed,
                                                 broker_errc::invalid_topic_exception,
                                                 broker_errc::invalid_record,
                                                 broker_errc::invalid_timestamp,
                                                 broker_errc::record_list_too_large,
                                                 broker_errc::policy_violation,
                                                 broker_errc::unsupported_for_message_format,
                                                 broker_errc::message_too_large,
                                                 broker_errc::invalid_required_acks,
                                                 broker_errc::unsupported_compression_type};

    cluster_model& cluster_;
    virtual_clock& clock_;
    fault_source& faults_;
    event_log& log_;
    dice random_;
    std::vector<std::string> topics_;
    std::optional<fault_kind> pending_;
    response_chaos strange_;
};

} // namespace kurier::inline KURIER_ABI::testing
