// Fetches a producer id (InitProducerId, KIP-98) when batches wait for one, and retries after an error.
#pragma once

#include <kurier/core/cluster/router.hpp>
#include <kurier/core/identity/partition_epochs.hpp>
#include <kurier/core/produce/settle.hpp>
#include <kurier/core/support/log_queue.hpp>
#include <kurier/protocol/messages/init_producer_id.hpp>

#include <string>

namespace kurier::core {

class producer_id_exchange
{
public:
    producer_id_exchange(const producer_config& config, random_source& random, links& links,
                         any_broker& brokers, settler& settler, partition_epochs& epochs, log_queue& logs)
        : config_{config}, random_{random}, links_{links}, brokers_{brokers}, settler_{settler},
          epochs_{epochs}, logs_{logs}
    {}

    // Batches wait for an id. Returns when to try again, if nothing else happens before.
    nanoseconds ask(instant now)
    {
        if (asked_) return never;
        if (now.steady < not_before_) return not_before_;
        connection* link = brokers_.usable(now);
        if (!link) return brokers_.retry_at();
        const auto versions = link->range(request_kind::init_producer_id);
        if (!versions.any()) {
            settler_.fail_unsent(errc::unsupported_version);
            return never;
        }
        protocol::init_producer_id_request question;
        question.transaction_timeout_ms = 0x7fffffff; // unused without a transactional id
        asked_ = true;
        links_.send_message(*link, request_kind::init_producer_id, versions.highest, question, now);
        return never;
    }

    // False: it can't be decoded.
    bool take(const request& sent, bytes_view body, instant now)
    {
        protocol::init_producer_id_response answer;
        if (!protocol::decode_response(body, sent.version, answer)) {
            failed(now);
            return false;
        }
        const auto error = static_cast<broker_errc>(answer.error_code);
        if (error != broker_errc::none) {
            failed(now);
            logs_.add(log_level::warning, "producer_id.refused", std::string{error_name(error)});
            if (!retriable(error)) settler_.fail_unsent(error);
            return true;
        }
        if (answer.producer_id < 0 || answer.producer_epoch < 0) {
            failed(now);
            return false;
        }
        asked_ = false;
        failures_ = 0;
        epochs_.identity_arrived({answer.producer_id, answer.producer_epoch});
        return true;
    }

    void failed(instant now) // or the answer is lost
    {
        asked_ = false;
        not_before_ =
            now.steady + backoff(config_.retry_backoff, config_.retry_backoff_max, failures_++, random_);
    }

private:
    const producer_config& config_;
    random_source& random_;
    links& links_;
    any_broker& brokers_;
    settler& settler_;
    partition_epochs& epochs_;
    log_queue& logs_;
    bool asked_ = false;
    nanoseconds not_before_{0};
    int failures_ = 0;
};

} // namespace kurier::core
