// Fetches a producer id (InitProducerId, KIP-98) when batches wait for one, and retries after an error.
#pragma once

#include <kurier/core/cluster/rpc.hpp>
#include <kurier/core/identity/partition_epochs.hpp>
#include <kurier/core/produce/settle.hpp>
#include <kurier/core/support/debug_events.hpp>
#include <kurier/protocol/messages/init_producer_id.hpp>

#include <string>

namespace kurier::inline KURIER_ABI::core {

class producer_id_exchange final
    : public rpc<protocol::init_producer_id_request, protocol::init_producer_id_response>
{
public:
    producer_id_exchange(const rpc_context& context, const cluster_view& view, ready_partitions& ready,
                         settler& settle, partition_epochs& epochs)
        : rpc{context}, view_{view}, ready_{ready}, settle_{settle}, epochs_{epochs}
    {}

    // Called in each turn: do batches wait for an id?
    void ask_if(bool wanted, instant now) { next_at_ = wanted ? ask(now) : never; }

    // Why there is none; null if no broker has refused one.
    const broker_trouble* refusal() const noexcept { return refusal_ ? &refusal_ : nullptr; }

    // When to try again, if nothing else happens before.
    nanoseconds deadline() const noexcept { return next_at_; }

private:
    nanoseconds ask(instant now)
    {
        if (asked()) return never;
        if (now.steady < not_before_) return not_before_;
        auto* conn = connection_for({route::kind::any, -1, &refused_by_}, now);
        if (!conn) return retry_at();
        if (!conn->range<protocol::init_producer_id_request>().any()) {
            settle_.fail_unsent(errc::unsupported_version,
                                *conn->node->name + " has no InitProducerId, which enable.idempotence needs; "
                                                    "or set enable.idempotence=false");
            return never;
        }
        protocol::init_producer_id_request question;
        question.transaction_timeout_ms = 0x7fffffff; // unused without a transactional id
        debug::producer_id_asked(context_.logs, *conn->node);
        send(*conn, question, now);
        return never;
    }

    bool succeeded(connection& from, const request&, const protocol::init_producer_id_response& response,
                   instant now) override
    {
        const auto error = static_cast<broker_errc>(response.error_code);
        if (error != broker_errc::none) {
            refused_by_.add(from.node->id);
            failed(error, now);
            const std::string name{error_name(error)};
            refusal_ = {error, "no producer id, which enable.idempotence needs: InitProducerId failed with " +
                                   name + " at " + *from.node->name};
            context_.logs.add(log_level::warning, "producer_id.refused", make_error_code(error).message(),
                              {{"broker", from.node->id}, {"error", name}});
            if (!retriable(error)) settle_.fail_unsent(error, refusal_.text);
            return true;
        }
        if (response.producer_id < 0 || response.producer_epoch < 0) {
            failed(errc::protocol_error, now);
            return false;
        }
        failures_ = 0;
        refusal_ = {};
        refused_by_.clear();
        debug::producer_id_assigned(context_.logs, response.producer_id, response.producer_epoch);
        epochs_.identity_arrived({response.producer_id, response.producer_epoch});
        for (const auto& [id, node] : view_.nodes()) ready_.update_all_of(*node);
        return true;
    }

    void failed(error_code, instant now) override
    {
        not_before_ = now.steady + backoff(context_.config.retry_backoff, context_.config.retry_backoff_max,
                                           failures_++, context_.random);
    }

    const cluster_view& view_;
    ready_partitions& ready_;
    settler& settle_;
    partition_epochs& epochs_;
    nanoseconds next_at_{never}, not_before_{0};
    int failures_ = 0;
    broker_trouble refusal_;
    unhelpful_brokers refused_by_;
};

} // namespace kurier::inline KURIER_ABI::core
