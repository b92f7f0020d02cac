// Compression jobs on an executor of the user's, usually a thread pool. Its threads see the job, a codec list lent to
// them, and the channel below; everything else stays on the producer's strand.
//
// An outstanding job keeps the event loop alive and its context busy. If that context is destroyed first, running jobs
// are waited for and the rest never run; if the workers are destroyed first, their jobs come back undone.
#pragma once

#include <kurier/core/state/compression_job.hpp>
#include <kurier/io/cpu_clock.hpp>
#include <kurier/io/kept_codecs.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::io {

namespace asio = boost::asio;

// Loop has compressed(job), called on the strand with a job that is back.
template <class Loop> class compression_workers
{
public:
    compression_workers(Loop& loop, asio::any_io_executor workers, const asio::any_io_executor& own,
                        codec_factory make)
        : loop_{loop}, workers_{std::move(workers)}, channel_{std::make_shared<channel>(own)}, make_{make}
    {}

    void start(core::compression_job& job)
    {
        auto* lent = lend();
        if (out_++ == 0) {
            busy_ = asio::prefer(channel_->own, asio::execution::outstanding_work.tracked);
            alive_.reset(&loop_);
        }
        try {
            asio::post(workers_, ticket{channel_, {this, &job, lent}});
        } catch (const std::bad_alloc&) { // the ticket has brought it back
        }
    }

    // The loop's context is being destroyed. Afterwards no thread touches any job.
    void end()
    {
        std::unique_lock lock{channel_->mutex};
        channel_->ended = true;
        channel_->idle.wait(lock, [this] { return channel_->running == 0; });
        channel_->own = {};
        lock.unlock();
        busy_ = {};
        out_ = 0;
        const auto last = std::move(alive_); // may take this object with it
    }

private:
    struct channel
    {
        explicit channel(asio::any_io_executor executor) : own{std::move(executor)} {}
        std::mutex mutex;
        std::condition_variable idle;
        asio::any_io_executor own;
        std::size_t running = 0;
        bool ended = false;
    };

    struct errand
    {
        compression_workers* home = nullptr;
        core::compression_job* job = nullptr;
        kept_codecs* lent = nullptr;
    };

    // Runs a job once, on any thread, and brings it back even if it is destroyed without having run.
    class ticket
    {
    public:
        ticket(std::shared_ptr<channel> way, errand what) : channel_{std::move(way)}, errand_{what} {}
        ticket(ticket&& other) noexcept
            : channel_{std::move(other.channel_)}, errand_{std::exchange(other.errand_, {})}
        {}
        ticket& operator=(ticket&&) = delete;
        ~ticket() // NOLINT(bugprone-exception-escape): a mutex that is there can be locked
        {
            if (!errand_.job) return;
            const std::lock_guard lock{channel_->mutex};
            bring_back();
        }

        void operator()()
        {
            {
                const std::lock_guard lock{channel_->mutex};
                if (channel_->ended) {
                    errand_ = {};
                    return;
                }
                ++channel_->running;
            }
            core::run(*errand_.job, errand_.lent->codecs, &thread_cpu_time);
            const std::lock_guard lock{channel_->mutex};
            --channel_->running;
            channel_->idle.notify_all();
            bring_back();
        }

    private:
        void bring_back() // with the lock: the context can't end meanwhile
        {
            const auto over = std::exchange(errand_, {});
            while (!channel_->ended) {
                try {
                    return asio::post(channel_->own, [over] { over.home->finished(over); });
                } catch (const std::bad_alloc&) { // it must come back: retry until there is memory
                }
            }
        }

        std::shared_ptr<channel> channel_;
        errand errand_;
    };

    void finished(errand over)
    {
        const auto keep = alive_;
        idle_.push_back(over.lent);
        if (--out_ == 0) {
            busy_ = {};
            alive_.reset();
        }
        loop_.compressed(*over.job);
    }

    kept_codecs* lend()
    {
        if (idle_.empty()) {
            all_.push_back(std::make_unique<kept_codecs>(make_()));
            idle_.reserve(all_.size());
            return all_.back().get();
        }
        auto* list = idle_.back();
        idle_.pop_back();
        return list;
    }

    Loop& loop_;
    asio::any_io_executor workers_;
    std::shared_ptr<channel> channel_;
    codec_factory make_;
    std::vector<std::unique_ptr<kept_codecs>> all_; // as many as jobs ever ran at once
    std::vector<kept_codecs*> idle_;
    std::size_t out_ = 0;
    asio::any_io_executor busy_;       // while jobs are out: the context doesn't run out of work,
    boost::intrusive_ptr<Loop> alive_; // and the loop stays
};

} // namespace kurier::inline KURIER_ABI::io
