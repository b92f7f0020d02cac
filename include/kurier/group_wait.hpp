// Waits for many records at once with one handler: each record's slot counts down, and the last completes.
#pragma once

#include <kurier/delivery.hpp>
#include <kurier/io/operation.hpp>
#include <kurier/send_summary.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

namespace kurier::inline KURIER_ABI::io {

// The text of the exception that is being handled.
inline std::string text_of_exception()
{
    try {
        throw;
    } catch (const std::exception& thrown) {
        return thrown.what();
    } catch (...) {
        return "what was thrown is no std::exception";
    }
}

// Destroys itself when all records are accounted for.
class group_counter
{
public:
    // Counts the delivery that `send` returns. Nothing was sent when there is no memory for that.
    template <class Send> void add(Send send)
    {
        auto* const kept = members_ ? &members_->emplace_back(*this) : nullptr;
        delivery made = send();
        if (made.resolved()) {
            record_metadata metadata;
            const auto ec = made.take_result(metadata);
            count(ec, metadata);
            return;
        }
        ++outstanding_;
        auto& slot = made.slot();
        slot.context = this;
        slot.notify = &notify;
        if (!kept) return;
        slot.context = kept;
        slot.notify = &member::notify;
        kept->awaited = std::move(made);
        kept->waits = true;
    }

    // What the records come from has thrown; it is being handled. Those before it are on their way.
    void broke_off() noexcept
    {
        ++summary_.failed;
        if (!error_) error_ = errc::serialization_failed;
        if (summary_.first_failure) return;
        try {
            auto failure = std::make_shared<delivery_failure>();
            failure->code = errc::serialization_failed;
            failure->text = "the range of records threw: " + text_of_exception();
            summary_.first_failure = std::move(failure);
        } catch (const std::bad_alloc&) { // the code has to do
        }
    }

    // The sender has sent all. It is still inside the initiating call.
    void all_sent()
    {
        sending_ = false;
        if (cancelled_ && outstanding_ > 0)
            give_up();
        else if (outstanding_ == 0)
            end(how::posted);
    }

protected:
    enum class how { here, posted };

    group_counter(driver& machine, bool can_be_cancelled) : producer_{&machine}
    {
        if (can_be_cancelled) members_.emplace();
    }
    ~group_counter() = default;

    virtual void end(how completes) = 0;

    void cancel()
    {
        cancelled_ = true;
        if (!sending_) give_up();
    }

    // Nothing of the producer may be left when the handler runs, maybe on another thread.
    void forget_members() noexcept { members_.reset(); }

    driver* producer_; // alive while a slot refers to this
    send_summary summary_;
    error_code error_;
    bool abandoned_ = false;

private:
    // A record that can be taken back.
    struct member
    {
        explicit member(group_counter& its_group) noexcept : group{&its_group} {}

        static void notify(void* context, const core::fate& what)
        {
            auto& self = *static_cast<member*>(context);
            self.waits = false;
            const auto told = std::move(self.awaited); // until it is told of; the group may end here
            group_counter::notify(self.group, what);
        }

        group_counter* group;
        delivery awaited;
        bool waits = false;
    };

    static void notify(void* context, const core::fate& what) // a record's slot
    {
        auto& self = *static_cast<group_counter*>(context);
        if (what.where && !what.where->error) [[likely]] {
            ++self.summary_.delivered;
        } else if (what.teller) {
            record_metadata metadata;
            const auto ec = take_fate(what, metadata);
            self.count(ec, metadata);
        } else {
            self.abandoned_ = true;
        }
        if (--self.outstanding_ == 0 && !self.sending_) self.end(how::here);
    }

    void count(error_code ec, const record_metadata& metadata)
    {
        if (!ec) {
            ++summary_.delivered;
            return;
        }
        ++summary_.failed;
        if (!metadata.failure || metadata.failure->persisted != persisted::no) ++summary_.possibly_written;
        if (!error_) error_ = ec;
        if (!summary_.first_failure) summary_.first_failure = metadata.failure;
    }

    // Takes back what was not sent, and waits for nothing more.
    void give_up()
    {
        auto failure = std::make_shared<delivery_failure>();
        const auto first = std::ranges::find(*members_, true, &member::waits);
        first->awaited.say_where_to(*failure);
        std::size_t unknown = 0;
        for (auto& each : *members_) {
            if (!std::exchange(each.waits, false)) continue;
            each.awaited.slot().notify = nullptr;
            ++(each.awaited.take_back() ? summary_.withdrawn : unknown);
        }
        summary_.failed += outstanding_;
        summary_.possibly_written += unknown;
        failure->code = error_ = unknown > 0 ? errc::abandoned : errc::withdrawn;
        failure->persisted = unknown > 0 ? persisted::possibly : persisted::no;
        if (!summary_.first_failure) summary_.first_failure = std::move(failure);
        outstanding_ = 0;
        producer_->wake();
        end(how::posted);
    }

    // Only where they can be taken back: even an empty deque allocates. Where they are they stay.
    std::optional<std::deque<member>> members_;
    std::size_t outstanding_ = 0;
    bool sending_ = true, cancelled_ = false;
};

template <class Handler> class group_wait final
    : public group_counter,
      public operation<group_wait<Handler>, Handler, error_code, send_summary>
{
public:
    group_wait(driver& machine, Handler&& handler)
        : group_counter{machine, boost::asio::get_associated_cancellation_slot(handler).is_connected()},
          group_wait::operation{machine, std::move(handler)}
    {
        if (auto slot = cancellation(); slot.is_connected())
            slot.assign([this](boost::asio::cancellation_type) { on_signal(); });
    }

private:
    void on_signal()
    {
        clear(); // a second signal must find nothing, and who called this is gone
        cancel();
    }

    void end(how completes) override
    {
        clear();
        forget_members();
        if (abandoned_) {
            this->destroy();
            return;
        }
        this->results_ = {error_, std::move(summary_)};
        if (completes == how::here && this->ends_here())
            this->call();
        else
            producer_->end(*this);
    }

    auto cancellation() const noexcept
    {
        return boost::asio::get_associated_cancellation_slot(this->handler_);
    }
    void clear() noexcept
    {
        if (auto slot = cancellation(); slot.is_connected()) slot.clear();
    }
};

} // namespace kurier::inline KURIER_ABI::io
