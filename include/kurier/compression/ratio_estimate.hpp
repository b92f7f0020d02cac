// How far a topic's records shrink, guessed from its batches so far (KIP-126). batch.size bounds the compressed
// size, which is known only when the batch is closed; the guess says when that is. It goes down slowly and up
// at once, because a batch that came out too large has to be split. Steps and safety factor are Kafka's.
#pragma once

#include <kurier/compression.hpp>

namespace kurier::inline KURIER_ABI {

// One per topic. Ratios are compressed / uncompressed bytes of the records, without the batch header.
class ratio_estimate
{
public:
    static constexpr double improving_step = 0.005;
    static constexpr double deteriorating_step = 0.05;
    static constexpr double safety_factor = 1.05;

    constexpr double of(compression id) const noexcept { return ratios_[static_cast<std::size_t>(id)]; }

    // After a batch has been compressed. One that didn't shrink and goes out as it is counts with its own size.
    constexpr void observe(compression id, std::size_t uncompressed, std::size_t compressed) noexcept
    {
        if (id == compression::none || uncompressed == 0) return;
        const double seen = ratio_of(uncompressed, compressed);
        auto& ratio = ratios_[static_cast<std::size_t>(id)];
        if (seen > ratio)
            ratio = std::max(ratio + deteriorating_step, seen);
        else if (seen < ratio)
            ratio = std::max(ratio - improving_step, seen);
    }

    // After the broker has found a batch too large: the next ones are filled as if nothing shrank, so that a
    // stale guess doesn't send one after the other to be split.
    constexpr void observe_split(compression id, std::size_t uncompressed, std::size_t compressed) noexcept
    {
        if (id != compression::none && uncompressed != 0)
            ratios_[static_cast<std::size_t>(id)] = std::max(1.0, ratio_of(uncompressed, compressed));
    }

    // What `records` bytes behind a header of `header` bytes would come to.
    constexpr std::size_t batch_size(compression id, std::size_t header, std::size_t records) const noexcept
    {
        if (id == compression::none) return header + records;
        return header + static_cast<std::size_t>(static_cast<double>(records) * of(id) * safety_factor);
    }

    // Whether one record more keeps the batch within the limit. The new record counts in full: it may be the
    // one that doesn't shrink. A batch's first record always fits.
    constexpr bool has_room(compression id, std::size_t header, std::size_t records, std::size_t record,
                            std::size_t limit) const noexcept
    {
        if (records == 0) return true;
        const auto size = batch_size(id, header, records);
        return size <= limit && record <= limit - size;
    }

private:
    static constexpr double ratio_of(std::size_t uncompressed, std::size_t compressed) noexcept
    {
        return static_cast<double>(compressed) / static_cast<double>(uncompressed);
    }

    std::array<double, all_compressions.size()> ratios_{1.0, 1.0, 1.0, 1.0, 1.0};
};

} // namespace kurier::inline KURIER_ABI
