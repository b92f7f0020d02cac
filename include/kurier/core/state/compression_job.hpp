// Compressing a batch as a job for another thread: the core prepares it, any thread runs it, and the core finishes it on
// its strand. To run it takes the job and a list of codecs, nothing else of the core.
#pragma once

#include <kurier/compression/adaptive.hpp>
#include <kurier/core/state/buffer_pool.hpp>

#include <cstdint>
#include <span>

namespace kurier::inline KURIER_ABI::core {

struct batch;

// CPU time of the running thread in nanoseconds. The core has no clock: its driver brings one, tests bring their own.
using cpu_clock = std::uint64_t (*)() noexcept;

struct compression_job
{
    batch* about = nullptr;
    codec_plan plan;
    // Valid and unchanged until the job returns, whatever becomes of the batch (KAFKA-19012).
    bytes_view records;
    // One byte less than the records: a result that isn't smaller is of no use.
    std::span<std::byte> room;
    block memory; // which `room` is part of, unless the job is done at once

    // The result.
    codec_sample used, trial;
    bool ran = false; // false: no worker has run it
    bool shrank = false;
};

// Runs on any thread, with codecs that no one else uses. Without a clock, CPU time is counted as 0.
inline void run(compression_job& job, const codecs_ref& codecs, cpu_clock clock) noexcept
{
    const auto compress = [&](codec_choice choice, codec_sample& sample) {
        sample = {job.records.size(), 0};
        if (choice.id == compression::none) return false;
        const auto before = clock ? clock() : 0;
        const auto result = codecs.compress(choice.id, job.records, job.room, choice.level);
        if (clock) sample.cpu_ns = clock() - before;
        if (result) sample.size = result.size;
        return static_cast<bool>(result);
    };
    job.ran = true;
    if (job.plan.trial) compress(*job.plan.trial, job.trial);
    job.shrank = compress(job.plan.use, job.used); // last: `room` holds what is sent
}

} // namespace kurier::inline KURIER_ABI::core
