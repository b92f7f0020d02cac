// The core as users' objects see it, through the driver: what is asked about a topic, a batch or a state. A record that
// finds room in an open batch needs none of the virtual functions: see intake/send.hpp.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/core/intake/send.hpp>
#include <kurier/core/state/batch.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/core/state/waiting.hpp>
#include <kurier/core/support/lifecycle.hpp>
#include <kurier/instant.hpp>
#include <kurier/metrics.hpp>
#include <kurier/producer_config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI::core {

// What becomes of asking whether the cluster can be used.
struct connect_attempt
{
    bool begun = false;
    std::uint64_t answers_before = 0;
    error_code error; // why it can't
    std::string words;
};

class port
{
public:
    port(const port&) = delete;
    port& operator=(const port&) = delete;

    virtual const producer_config& config() const noexcept = 0;

    // --- sending -----------------------------------------------------------------------------------------------------

    // The topic's state, known or not. The reference stays valid as long as the core.
    virtual topic_state& use_topic(std::string_view name, instant now) = 0;

    virtual sent send_slowly(outgoing what, instant now) = 0; // what send_at_once has declined
    virtual void count_refusal() noexcept = 0;                // of a record that the core never saw

    virtual bool withdraw(batch& where, std::uint32_t index) = 0;
    virtual void withdraw(waiting_record& waiting) = 0;

    // A delivery outside the core begins or ends to refer to a batch or a waiting record.
    static void hold(batch& where) noexcept { ++where.deliveries; }
    void drop(batch& where)
    {
        --where.deliveries;
        if (where.done()) [[unlikely]]
            release(where);
    }
    virtual void drop(waiting_record& waiting) = 0;
    virtual void release(batch& where) = 0; // gives back what nobody needs any more

    // --- states ------------------------------------------------------------------------------------------------------

    // Everything sent so far goes out without lingering. The flush is over when flushed() says so.
    virtual std::uint64_t flush() = 0;
    virtual bool flushed(std::uint64_t epoch) const noexcept = 0;

    // Is it worth sending more right now? Batches that are only waiting to be sent should stay few.
    virtual bool has_room() const noexcept = 0;

    // No new records from now on: whoever sends asks closing() before. What was sent goes out, and when it is resolved,
    // or at `deadline`, the producer ends: ended() says so.
    virtual void close(nanoseconds deadline) = 0;
    bool closing() const noexcept { return !life_.takes_records(); }
    bool ended() const noexcept { return life_.ended(); }
    error_code close_outcome() const noexcept { return life_.outcome(); } // once it has ended

    // Begins an attempt, or goes on with it. True: it is over.
    virtual bool connect(connect_attempt& attempt) = 0;

    virtual codec_status compression_of(std::string_view topic) const = 0;
    virtual producer_metrics metrics() const = 0;

protected:
    port() = default;
    ~port() = default;

    lifecycle life_;
};

} // namespace kurier::inline KURIER_ABI::core
