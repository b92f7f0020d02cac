// One connection to a broker, without its socket: what is to be written, what was read, and which requests wait for
// an answer. Kafka answers in the order of the requests.
#pragma once

#include <kurier/core/state/batch.hpp>
#include <kurier/core/state/topic.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

namespace kurier::core {

using connection_id = std::uint64_t;

enum class request_kind : std::uint8_t { api_versions, metadata, init_producer_id, produce };

// A request on its way. `head` holds everything but the record batches; a cut says where a batch goes in.
struct request
{
    struct cut
    {
        std::size_t at;
        batch* body;
        uuid topic_id; // that the request names; the topic may get another one before the answer comes
    };

    request_kind kind = request_kind::metadata;
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::vector<std::byte> head;
    std::vector<cut> cuts; // in the order in which they were encoded
    std::size_t bytes = 0; // of head and bodies
    std::size_t written = 0;
    nanoseconds sent_at{0}, deadline{never};
    bool answered = false; // or no answer is expected any more
    bool expects_answer = true;

    bool fully_written() const noexcept { return written == bytes; }
};

enum class link_phase : std::uint8_t { connecting, versions, ready, closing };

// The versions of an API that both sides speak.
struct version_range
{
    std::int16_t lowest = 0, highest = -1; // none
    bool any() const noexcept { return lowest <= highest; }
};

// Grows with what has arrived, never with what a length field says.
class read_buffer
{
public:
    // Room for the next read, at least `least` bytes.
    std::span<std::byte> space(std::size_t least = 2048)
    {
        if (begin_ == end_) begin_ = end_ = 0;
        if (bytes_.size() - end_ < least && begin_ > 0) {
            std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (bytes_.size() - end_ < least)
            bytes_.resize(
                std::max<std::size_t>(bytes_.size() * 2, std::max<std::size_t>(4096, end_ + least)));
        return {bytes_.data() + end_, bytes_.size() - end_};
    }
    void commit(std::size_t bytes) noexcept { end_ += bytes; }
    bytes_view data() const noexcept { return {bytes_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes) noexcept { begin_ += bytes; }
    std::size_t capacity() const noexcept { return bytes_.size(); }

    void shrink_if_empty() noexcept // after a large answer
    {
        if (begin_ == end_ && bytes_.size() > 65536) *this = {};
    }

private:
    std::vector<std::byte> bytes_;
    std::size_t begin_ = 0, end_ = 0;
};

struct connection
{
    connection_id id = 0;
    broker_node* node = nullptr;
    link_phase phase = link_phase::connecting;
    nanoseconds setup_deadline{never};
    nanoseconds last_used{0};
    nanoseconds answered_at{0};            // the last Produce request
    std::array<version_range, 4> versions; // by request_kind
    std::int16_t api_versions_version = 0;
    version_range broker_api_versions; // of ApiVersions itself, as the broker said
    std::int32_t next_correlation_id = 1;
    read_buffer input;
    std::vector<std::unique_ptr<request>> requests; // few: written or to be written, in order
    std::size_t unanswered = 0;                     // of them
    bool write_reported = false;                    // the driver was told that there is something to write
    bool close_reported = false;                    // the same about closing it
    error_code close_reason;
    bool reached_ready = false;

    const version_range& range(request_kind kind) const noexcept
    {
        return versions[static_cast<std::size_t>(kind)];
    }

    bool has_unsent() const noexcept { return !requests.empty() && !requests.back()->fully_written(); }

    request* oldest_unanswered() const noexcept
    {
        for (auto& sent : requests)
            if (!sent->answered) return sent.get();
        return nullptr;
    }

    // The request that the next answer belongs to. With acks=0 there is none to a Produce, and what follows it may be
    // answered before the driver reports it written.
    request* next_to_be_answered() const noexcept
    {
        for (auto& sent : requests)
            if (!sent->answered && sent->expects_answer) return sent.get();
        return nullptr;
    }

    // The next bytes to write, as a gather list. The memory stays valid until the connection is reported closed or
    // written() covers it.
    std::size_t gather(std::span<bytes_view> out) const noexcept
    {
        std::size_t used = 0;
        for (auto& next : requests) {
            if (next->fully_written()) continue;
            std::size_t skip = next->written, at = 0;
            const auto add = [&](const std::byte* data, std::size_t size) {
                if (skip >= size) {
                    skip -= size;
                    return;
                }
                if (used < out.size()) out[used++] = {data + skip, size - skip};
                skip = 0;
            };
            for (const auto& cut : next->cuts) {
                add(next->head.data() + at, cut.at - at);
                add_body(add, *cut.body);
                at = cut.at;
            }
            add(next->head.data() + at, next->head.size() - at);
            if (used == out.size()) break;
        }
        return used;
    }

private:
    template <class Add> static void add_body(Add& add, const batch& body)
    {
        const auto* data = body.memory.data;
        if (!body.outside) [[likely]] {
            add(data, body.size);
            return;
        }
        const auto& outside = *body.outside;
        add(data, outside.at);
        add(outside.bytes.data(), outside.bytes.size());
        add(data + outside.at, body.size - outside.at);
    }
};

} // namespace kurier::core
