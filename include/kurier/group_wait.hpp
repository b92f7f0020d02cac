// Waits for many records at once with one handler: each record's slot counts down, and the last completes.
#pragma once

#include <kurier/delivery.hpp>
#include <kurier/io/operation.hpp>
#include <kurier/send_summary.hpp>

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

template <class Handler> class group_wait final
    : public group_counter,
      public operation<group_wait<Handler>, Handler, error_code, send_summary>
{
    using base = operation<group_wait, Handler, error_code, send_summary>;

public:
    group_wait(driver& machine, Handler&& handler) : group_counter{machine}, base{machine, std::move(handler)}
    {}

private:
    void end(how completes) override
    {
        if (abandoned_) {
            this->destroy();
            return;
        }
        auto& [ec, summary] = this->results_;
        if (summary_.first_failure) ec = summary_.first_failure->code;
        summary = std::move(summary_);
        if (completes == how::here && this->ends_here())
            this->call();
        else
            producer_->end(*this);
    }
};

} // namespace kurier::io
