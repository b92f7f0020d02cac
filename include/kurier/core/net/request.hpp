// A request on its way: who sent it, its bytes, and how many of them are written.
#pragma once

#include <kurier/core/net/exchange.hpp>
#include <kurier/core/state/batch.hpp>
#include <kurier/instant.hpp>
#include <kurier/uuid.hpp>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::core {

using connection_id = std::uint64_t;

// `head` holds everything but the record batches; a cut says where a batch goes in.
struct request
{
    struct cut
    {
        std::size_t at;
        batch* body;
        uuid topic_id; // as in the request: the topic may have another one when the response comes
        bool left =
            false; // the batch has gone to a newer leader, and this request's response settles nothing
    };

    exchange* owner = nullptr;
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::vector<std::byte> head;
    std::vector<cut> cuts; // in the order in which they were encoded
    std::size_t bytes = 0; // of head and bodies
    std::size_t written = 0;
    std::size_t cuts_written = 0,
                bodies_written = 0; // cuts that are fully written, and the bytes of their batches
    nanoseconds sent_at{0}, deadline{never};
    bool answered = false; // or no response is expected any more
    bool expects_response = true;

    bool fully_written() const noexcept { return written == bytes; }

    void add_written(std::size_t more) noexcept
    {
        written += more;
        while (cuts_written < cuts.size()) {
            const auto& next = cuts[cuts_written];
            const auto size = next.body->wire_size();
            if (next.at + bodies_written + size > written) return;
            bodies_written += size;
            ++cuts_written;
        }
    }
};

// Finished requests, kept for their memory.
class request_pool
{
public:
    std::unique_ptr<request> take()
    {
        if (spare_.empty()) return std::make_unique<request>();
        auto taken = std::move(spare_.back());
        spare_.pop_back();
        return taken;
    }

    void give_back(std::unique_ptr<request> over) noexcept
    {
        auto head = std::move(over->head);
        auto cuts = std::move(over->cuts);
        head.clear();
        cuts.clear();
        *over = {};
        over->head = std::move(head);
        over->cuts = std::move(cuts);
        try {
            spare_.push_back(std::move(over));
        } catch (...) { // out of memory: it is freed instead
        }
    }

private:
    std::vector<std::unique_ptr<request>> spare_;
};

} // namespace kurier::inline KURIER_ABI::core
