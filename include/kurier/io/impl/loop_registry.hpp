// The event loops of an execution context. A context that is destroyed destroys its operations, and so the coroutines
// that wait for them; but who waits for a record waits in a batch, of which the context knows nothing. Such a coroutine
// may own the producer whose record it awaits: nobody else could end that circle.
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
    void shutdown() override // nothing of the context runs any more
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
