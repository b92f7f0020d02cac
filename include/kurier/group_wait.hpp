// Waits for many records at once with one handler: each record's slot counts down, and the last completes.
#pragma once

#include <kurier/delivery.hpp>
#include <kurier/send_summary.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>

#include <new>
#include <utility>

namespace kurier::io {

// Destroys itself when all records are accounted for.
class group_counter
{
public:
    void add() noexcept { ++outstanding_; }

    void took(error_code ec, const record_metadata& metadata)
    {
        if (!ec) {
            ++summary_.delivered;
        } else {
            ++summary_.failed;
            if (!metadata.failure || metadata.failure->persisted != persisted::no)
                ++summary_.possibly_written;
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
        if (what.teller)
            ec = take_fate(what, metadata);
        else
            self.abandoned_ = true;
        self.took(ec, metadata);
    }

    void release()
    {
        if (--outstanding_ == 0) end(how::here);
    }

    // The sender has sent all. It is still inside the initiating call.
    void all_sent()
    {
        if (--outstanding_ == 0) end(how::posted);
    }

protected:
    explicit group_counter(driver& machine) : producer_{&machine} {}
    ~group_counter() = default;
    enum class how { here, posted };
    virtual void end(how completes) = 0;

    driver* producer_; // alive while a slot refers to this
    send_summary summary_;
    std::size_t outstanding_ = 1; // the sender itself, until it has sent all
    bool abandoned_ = false;
};

template <class Handler> class group_wait final : public group_counter
{
public:
    static group_wait& make(driver& machine, Handler handler)
    {
        void* memory = machine.operations().allocate(sizeof(group_wait));
        return *new (memory) group_wait{machine, std::move(handler)};
    }

private:
    group_wait(driver& machine, Handler handler)
        : group_counter{machine}, waiting_{machine, std::move(handler)}
    {}

    void end(how completes) override
    {
        driver& machine = *producer_;
        const bool abandoned = abandoned_;
        auto waiting = std::move(waiting_);
        auto summary = std::move(summary_);
        this->~group_wait();
        machine.operations().deallocate(this,
                                        sizeof(group_wait)); // before the handler runs: it may send again
        if (!abandoned) complete(machine, waiting, std::move(summary), completes);
    }

    static void complete(driver& machine, bound_handler<Handler>& waiting, send_summary summary,
                         how completes)
    {
        error_code ec;
        if (summary.first_failure) ec = summary.first_failure->code;
        if (completes == how::here && waiting.runs_here()) {
            std::move(waiting.handler)(ec, std::move(summary));
            return;
        }
        const auto executor = asio::get_associated_executor(waiting.handler, machine.executor());
        asio::post(executor,
                   [handler = std::move(waiting.handler), ec, summary = std::move(summary)]() mutable {
                       std::move(handler)(ec, std::move(summary));
                   });
    }

    bound_handler<Handler> waiting_;
};

} // namespace kurier::io
