// Completed operations on their way to their handlers' executors. Those of one turn and one executor travel in chunks:
// waking another thread for every record would cost more than everything else about the record.
#pragma once

#include <kurier/config.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

namespace asio = boost::asio;

// An operation whose result is known. It may complete on another thread, so nothing in it belongs to the producer.
class ended_operation
{
public:
    ended_operation(const ended_operation&) = delete;
    ended_operation& operator=(const ended_operation&) = delete;

protected:
    // Destroys the operation, after calling its handler unless the handler's context is going away.
    using end_function = void (*)(ended_operation& self, bool call);

    // `elsewhere` is empty for the producer's own executor.
    ended_operation(end_function end, asio::any_io_executor elsewhere) noexcept
        : end_{end}, executor_{std::move(elsewhere)}
    {}
    ~ended_operation() = default;

    bool ends_here() const noexcept { return !executor_; }

private:
    friend class piece_of_ended;
    friend class hand_over;

    end_function end_;
    asio::any_io_executor executor_;   // tracks outstanding work until the handler is called
    ended_operation* next_ = nullptr;  // in its piece
    ended_operation* last_ = this;     // of the piece; kept by its first, as are the next two
    ended_operation* older_ = nullptr; // piece
    int count_ = 1;
};

// What an executor is given.
class piece_of_ended
{
public:
    explicit piece_of_ended(ended_operation& first) noexcept : first_{&first} {}
    piece_of_ended(piece_of_ended&& other) noexcept
        : first_{std::exchange(other.first_, nullptr)}, exceptions_{other.exceptions_}
    {}
    piece_of_ended& operator=(piece_of_ended&&) = delete;
    ~piece_of_ended()
    {
        if (std::uncaught_exceptions() > exceptions_)
            return; // the executor refused: hand_over still has the operations
        while (first_) end_first(false);
    }

    void operator()()
    {
        try {
            while (first_) end_first(true);
        } catch (...) { // from a handler: the ones behind it are called all the same
            if (auto* rest = std::exchange(first_, nullptr))
                asio::post(asio::any_io_executor{rest->executor_}, piece_of_ended{*rest});
            throw;
        }
    }

private:
    void end_first(bool call)
    {
        auto& over = *first_;
        first_ = over.next_;
        over.end_(over, call);
    }

    ended_operation* first_;
    int exceptions_ = std::uncaught_exceptions();
};

class hand_over
{
public:
    hand_over() = default;
    hand_over(const hand_over&) = delete;
    hand_over& operator=(const hand_over&) = delete;
    ~hand_over() { abandon(); }

    void add(ended_operation& over, const asio::any_io_executor& own) noexcept
    {
        if (over.ends_here()) over.executor_ = own;
        int looked_at = 0;
        for (auto* piece = newest_; piece && looked_at < pieces_looked_at;
             piece = piece->older_, ++looked_at) {
            if (piece->executor_ != over.executor_) continue;
            if (piece->count_ == piece_size_max) break;
            piece->last_->next_ = &over;
            piece->last_ = &over;
            ++piece->count_;
            return;
        }
        over.older_ = std::exchange(newest_, &over);
    }

    // In order of completion. Deferred, not posted: within our own context that needs no lock for each, they run when this
    // handler returns. Throws what the executor throws; the rest stays here.
    void submit()
    {
        while (newest_ || oldest_) {
            while (oldest_) {
                auto* const piece = oldest_;
                auto* const younger = piece->older_; // reversed below
                asio::defer(asio::any_io_executor{piece->executor_}, piece_of_ended{*piece});
                oldest_ = younger;
            }
            while (newest_) {
                auto* const piece = std::exchange(newest_, newest_->older_);
                piece->older_ = std::exchange(oldest_, piece);
            }
        }
    }

    // Without calling any handler.
    void abandon() noexcept
    {
        for (auto** list : {&oldest_, &newest_})
            while (auto* piece = *list) {
                *list = piece->older_;
                piece_of_ended{*piece}; // destroyed at once
            }
    }

private:
    // Small enough to spread a batch over the threads of a pool, large enough to wake a sleeping thread rarely.
    static constexpr int piece_size_max = 32;
    static constexpr int pieces_looked_at = 8; // if every handler has its own strand, nothing can be combined

    ended_operation* newest_ = nullptr;
    ended_operation* oldest_ = nullptr; // being submitted: `older_` leads to the next younger one
};

} // namespace kurier::inline KURIER_ABI::io
