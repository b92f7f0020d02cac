// Who may start a producer epoch, and when: the question that an idempotent and a transactional producer answer
// differently. The models are in core/identity/. One virtual call per batch, none per record.
#pragma once

#include <kurier/core/state/topic.hpp>

#include <cstdint>

namespace kurier::inline KURIER_ABI::core {

struct producer_identity // as InitProducerId returned it
{
    std::int64_t id = -1;
    std::int16_t epoch = -1;
    bool valid() const noexcept { return id >= 0; }
};

class epoch_authority
{
public:
    // Do batches carry a producer id, an epoch and a sequence?
    virtual bool idempotent() const noexcept = 0;

    // False while batches have to wait for a producer id.
    virtual bool has_identity() const noexcept = 0;

    // May the batch at the head of the partition's queue be sent now, beside those that are in flight?
    virtual bool may_send(const partition_state& partition, const batch& head) const noexcept = 0;

    // With nothing of the partition in flight: must it start an epoch before this batch is sent?
    virtual bool needs_epoch(const partition_state& partition, const batch& head) const noexcept = 0;

    // Starts one at sequence 0. False: a producer id has to be fetched first.
    virtual bool start_epoch(partition_state& partition) noexcept = 0;

    // May a batch that was refused for this, and is certainly not in the log, go into a new epoch? If not, it fails.
    virtual bool may_restart_after(epoch_fault fault) const noexcept = 0;

protected:
    ~epoch_authority() = default;
};

} // namespace kurier::inline KURIER_ABI::core
