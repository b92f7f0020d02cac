// Waits for many records at once with one handler: each record's slot counts down, and the last completes.
#pragma once

#include <kurier/delivery.hpp>
#include <kurier/send_summary.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace kurier::io {

// Deletes itself when all records are accounted for.
class group_counter
{
public:
    virtual ~group_counter() = default;

    void add() noexcept { ++outstanding_; }

    void took(error_code ec, const record_metadata& metadata)
    {
        if (!ec) {
            ++summary_.delivered;
        } else {
            ++summary_.failed;
            if (!metadata.failure || metadata.failure->persisted != persisted::no) ++summary_.possibly_written;
            if (!summary_.first_failure) summary_.first_failure = metadata.failure;
        }
        release();
    }

    static void notify(void* context, const core::fate& what) // a record's slot
    {
        auto& self = *static_cast<group_counter*>(context);
        if (what.where && !what.where->error) [[likely]] {
            ++self.summary_.delivered;
            self.release();
            return;
        }
        record_metadata metadata;
        error_code ec = errc::aborted;
        if (what.teller) ec = take_fate(what, metadata);
        else self.abandoned_ = true;
        self.took(ec, metadata);
    }

    void release()
    {
        if (--outstanding_ > 0) return;
        if (!abandoned_) complete();
        delete this;
    }

protected:
    explicit group_counter(driver& machine) : producer_{&machine} {}
    virtual void complete() = 0;

    driver* producer_; // alive while a slot refers to this
    send_summary summary_;
    std::size_t outstanding_ = 1; // the sender itself, until it has sent all
    bool abandoned_ = false;
};

template <class Handler> class group_wait final : public group_counter
{
public:
    group_wait(driver& machine, Handler handler)
        : group_counter{machine}, handler_{std::move(handler)},
          work_{asio::get_associated_executor(handler_, machine.executor())}
    {}

private:
    void complete() override
    {
        error_code ec;
        if (summary_.first_failure) ec = summary_.first_failure->code;
        asio::post(work_.get_executor(), [handler = std::move(handler_), ec, summary = std::move(summary_)]() mutable {
            std::move(handler)(ec, std::move(summary));
        });
    }

    Handler handler_;
    asio::executor_work_guard<asio::associated_executor_t<Handler, asio::any_io_executor>> work_;
};

} // namespace kurier::io
