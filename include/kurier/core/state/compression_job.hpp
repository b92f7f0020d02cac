// Compressing a batch as a job that can be done elsewhere: the core says what to do, anybody on any thread runs it, and
// the core takes it back on its strand. Running it needs the job and a codec list, and nothing else of the core.
#pragma once

#include <kurier/compression/adaptive.hpp>
#include <kurier/core/state/buffer_pool.hpp>

#include <cstdint>
#include <span>

namespace kurier::core {

struct batch;

// CPU time of the running thread in nanoseconds. The core has no clock: its driver brings one, tests bring their own.
using cpu_clock = std::uint64_t (*)() noexcept;

struct compression_job
{
    batch* about = nullptr;
    codec_plan plan;
    // Valid and untouched until the job is back, whatever becomes of the batch meanwhile (KAFKA-19012).
    bytes_view records;
    // One byte less than the records have: what doesn't shrink is not wanted.
    std::span<std::byte> room;
    block memory; // which `room` is part of, unless the job is done at once

    // What came of it.
    codec_sample used, trial;
    bool ran = false; // or else nobody has done it
    bool shrank = false;
};

// On any thread, with codecs that nobody else uses meanwhile. Without a clock nothing costs CPU time.
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

} // namespace kurier::core
