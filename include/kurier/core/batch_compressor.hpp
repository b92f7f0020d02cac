// Compresses the records of a batch when it is drained, in place: the result is smaller, or the batch goes out as it
// is. Contexts and scratch memory are used again for every batch.
#pragma once

#include <kurier/compression.hpp>
#include <kurier/core/topic.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace kurier::core {

class batch_compressor
{
public:
    void set_codecs(codecs_ref codecs) noexcept { codecs_ = codecs; }

    // True when the batch has become smaller.
    bool compress(batch& closed)
    {
        auto& topic = *closed.partition->topic;
        const auto choice = topic.codec;
        if (choice.type == compression::none || !codecs_ || std::exchange(closed.compression_done, true)) return false;
        const auto plain = closed.body();
        if (scratch_.size() < plain.size()) scratch_.resize(std::max(plain.size(), scratch_.size() * 2));
        // One byte less than it has: what does not shrink is not wanted.
        const auto result = codecs_->compress(choice.type, plain, {scratch_.data(), plain.size() - 1}, choice.level);
        topic.ratio.observe(choice.type, plain.size(), result ? result.size : plain.size());
        if (!result) return false;
        std::memcpy(closed.memory.data + batch_header_size, scratch_.data(), result.size);
        closed.size = batch_header_size + result.size;
        closed.attributes = static_cast<std::uint16_t>((closed.attributes & ~batch_compression_mask) |
                                                       static_cast<std::uint16_t>(choice.type));
        closed.sealed = false;
        return true;
    }

    // The records as they were appended; empty when they can't be had back.
    bytes_view plain_body(const batch& closed, std::vector<std::byte>& storage) const
    {
        if (closed.codec() == compression::none) return closed.body();
        constexpr std::size_t most = std::size_t{1} << 30; // our own data: any bound will do
        if (!codecs_ || codecs_->decompress(closed.codec(), closed.body(), most, storage) != compression_error::none) return {};
        return storage;
    }

private:
    std::optional<codecs_ref> codecs_;
    std::vector<std::byte> scratch_;
};

} // namespace kurier::core
