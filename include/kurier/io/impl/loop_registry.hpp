// The event loops of an execution context. When a context is destroyed, it destroys its pending operations and with them
// the coroutines that await those; but whoever waits for a record waits in a batch, which the context knows nothing about.
// Such a coroutine may own the very producer whose record it awaits: nothing else could break that cycle.
#pragma once

#include <kurier/config.hpp>

#include <boost/asio/execution_context.hpp>

#include <algorithm>
#include <mutex>
#include <vector>

namespace kurier::inline KURIER_ABI::io {

template <class Loop> class loop_registry final : public boost::asio::execution_context::service
{
public:
    static inline boost::asio::execution_context::id id;

    explicit loop_registry(boost::asio::execution_context& owner) : service{owner} {}

    void add(Loop& loop)
    {
        const std::lock_guard lock{mutex_};
        loops_.push_back(&loop);
    }
    void remove(Loop& loop) noexcept
    {
        const std::lock_guard lock{mutex_};
        std::erase(loops_, &loop);
    }

private:
    void shutdown() override // nothing runs on the context any more
    {
        while (!loops_.empty()) {
            auto* last = loops_.back();
            loops_.pop_back();
            last->context_ended();
        }
    }

    std::mutex mutex_; // loops of other strands come and go
    std::vector<Loop*> loops_;
};

} // namespace kurier::inline KURIER_ABI::io
