// Compresses the records of a batch when it is drained, in place, unless that doesn't make it smaller. The codec is the
// topic's, or what its chooser picks (compression.type=auto). Contexts and scratch memory are reused for every batch. Or
// makes jobs for compression workers: see compression_job.hpp.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/core/state/compression_job.hpp>
#include <kurier/core/state/topic.hpp>
#include <kurier/core/support/log_queue.hpp>
#include <kurier/core/support/make_room.hpp>
#include <kurier/producer_config.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

class batch_compressor
{
public:
    batch_compressor(const producer_config& config, log_queue& logs) : config_{config}, logs_{logs} {}

    void set_codecs(codecs_ref codecs, cpu_clock clock) noexcept
    {
        codecs_ = codecs;
        clock_ = clock;
    }

    bool wants(const batch& closed) const noexcept
    {
        const auto& topic = *closed.partition->topic;
        return !closed.compression_done && codecs_ &&
               (topic.codec.id != compression::none || topic.chooses_codec);
    }

    // Inline. True if the batch became smaller.
    bool compress(batch& closed)
    {
        if (!wants(closed)) return false;
        const auto plain = closed.body();
        if (scratch_.size() < plain.size()) scratch_.resize(std::max(plain.size(), scratch_.size() * 2));
        auto job = plan(closed);
        job.room = {scratch_.data(), plain.size() - 1};
        run(job, *codecs_, closed.partition->topic->chooses_codec ? clock_ : nullptr);
        if (job.shrank) std::memcpy(closed.memory.data + batch_header_size, scratch_.data(), job.used.size);
        return take(job);
    }

    // Compress on workers from now on, or inline again.
    void set_elsewhere(bool elsewhere) noexcept { elsewhere_ = elsewhere; }
    bool elsewhere() const noexcept { return elsewhere_; }

    // Allocates whatever begin() and forget() need: they don't throw.
    void prepare_job(const batch& closed)
    {
        make_room(spare_, jobs_.size() + spare_.size() + 1);
        if (spare_.empty()) spare_.push_back(std::make_unique<compression_job>());
        make_room(jobs_, jobs_.size() + 1);
        make_room(begun_, begun_.size() + 1);
        if (auto& topic = *closed.partition->topic; topic.chooses_codec) chooser_of(topic);
    }

    // Begins a job whose result goes to `memory` (accumulator::memory_for_job); next_job() hands it out.
    void begin(batch& closed, block memory) noexcept
    {
        jobs_.push_back(std::move(spare_.back()));
        spare_.pop_back();
        auto& job = *jobs_.back();
        job = plan(closed);
        job.memory = memory;
        job.room = {memory.data + batch_header_size, job.records.size() - 1};
        closed.compressing = true;
        begun_.push_back(&job);
    }

    compression_job* next_job() noexcept
    {
        if (next_ == begun_.size()) return nullptr;
        auto* job = begun_[next_++];
        if (next_ == begun_.size()) {
            begun_.clear();
            next_ = 0;
        }
        return job;
    }

    // Called when a job returns. True if the compressed bytes replace the records. If no worker ran it, the batch is
    // unchanged and later batches are compressed inline.
    bool finish(compression_job& job) noexcept
    {
        auto& about = *job.about;
        about.compressing = false;
        if (job.ran && !about.done()) return take(job);
        if (job.plan.trial) about.partition->topic->chooser->abandon(job.plan);
        about.compression_done = job.ran;
        elsewhere_ &= job.ran;
        return false;
    }

    void forget(compression_job& over) noexcept
    {
        const auto found =
            std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& one) { return one.get() == &over; });
        spare_.push_back(std::move(*found));
        *found = std::move(jobs_.back());
        jobs_.pop_back();
    }

    // Begun, and not forgotten yet.
    const std::vector<std::unique_ptr<compression_job>>& jobs() const noexcept { return jobs_; }

    // A broker doesn't know this codec: no topic chooses it from now on.
    void exclude(compression id)
    {
        if (std::exchange(excluded_[static_cast<std::size_t>(id)], true)) return;
        for (auto* topic : choosing_)
            if (const auto change = topic->chooser->exclude(id)) changed(*topic, *change);
    }

    static codec_status status(const topic_state& topic)
    {
        if (const auto* chooser = topic.chooser.get())
            return {topic.codec, chooser->ratio(), chooser->ns_per_byte(), chooser->changes(),
                    chooser->trials()};
        return {topic.codec, topic.ratio.of(topic.codec.id)};
    }

    // The records as they were appended; empty if they don't decompress.
    bytes_view plain_body(const batch& closed, std::vector<std::byte>& storage) const
    {
        if (closed.codec() == compression::none) return closed.body();
        constexpr std::size_t most = std::size_t{1} << 30; // no bound needed: we compressed it
        if (codecs_->decompress(closed.codec(), closed.body(), most, storage) != compression_error::none)
            return {};
        return storage;
    }

private:
    compression_job plan(batch& closed)
    {
        auto& topic = *closed.partition->topic;
        compression_job job;
        job.about = &closed;
        job.records = closed.body();
        job.plan = topic.chooses_codec ? chooser_of(topic).next() : codec_plan{.use = topic.codec};
        closed.compression_done = true;
        return job;
    }

    // Applies the result, which is in the batch's memory already if it is smaller.
    bool take(const compression_job& done) noexcept
    {
        auto& about = *done.about;
        auto& topic = *about.partition->topic;
        topic.ratio.observe(done.plan.use.id, done.records.size(), done.used.size);
        if (topic.chooser)
            if (const auto change =
                    topic.chooser->observe(done.plan, done.records.size(), done.used, done.trial))
                changed(topic, *change);
        if (!done.shrank) return false;
        about.size = batch_header_size + done.used.size;
        about.attributes = static_cast<std::uint16_t>((about.attributes & ~batch_compression_mask) |
                                                      static_cast<std::uint16_t>(done.plan.use.id));
        about.sealed = false;
        return true;
    }

    adaptive_codec& chooser_of(topic_state& topic)
    {
        if (!topic.chooser) {
            make_room(choosing_, choosing_.size() + 1);
            topic.chooser = std::make_shared<adaptive_codec>(candidates(), config_.compression_prices());
            topic.codec = topic.chooser->current();
            choosing_.push_back(&topic);
        }
        return *topic.chooser;
    }

    // The first one is used until more is known, so the cheap ones come first.
    std::vector<codec_choice> candidates() const
    {
        std::vector<codec_choice> found;
        const auto add = [&](compression id, int level) {
            if (!codecs_->contains(id) || excluded_[static_cast<std::size_t>(id)]) return;
            const auto levels = codecs_->levels(id);
            const codec_choice choice{id, levels.contains(level) ? level : levels.preset};
            if (std::find(found.begin(), found.end(), choice) == found.end()) found.push_back(choice);
        };
        add(compression::lz4, config_.compression_level(compression::lz4));
        add(compression::zstd, config_.compression_level(compression::zstd));
        add(compression::zstd, 1);
        add(compression::snappy, 0);
        add(compression::gzip, config_.compression_level(compression::gzip));
        return found;
    }

    void changed(topic_state& topic, const codec_change& change) noexcept
    {
        topic.codec = change.to;
        try {
            logs_.add(log_level::info, "compression.changed", describe(change),
                      {{"topic", std::string{std::string_view{topic.name}}}});
        } catch (...) { // out of memory: the log line is dropped
        }
    }

    const producer_config& config_;
    log_queue& logs_;
    std::optional<codecs_ref> codecs_;
    cpu_clock clock_ = nullptr;
    std::array<bool, all_compressions.size()> excluded_{};
    std::vector<topic_state*> choosing_;
    std::vector<std::byte> scratch_;
    bool elsewhere_ = false;
    std::vector<std::unique_ptr<compression_job>> jobs_, spare_;
    std::vector<compression_job*> begun_;
    std::size_t next_ = 0; // of begun_
};

} // namespace kurier::inline KURIER_ABI::core
