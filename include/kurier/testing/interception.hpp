// A test's own hand in what brokers do: it takes a request away from the broker, and may answer it.
#pragma once

#include <kurier/protocol/frame.hpp>
#include <kurier/protocol/messages.hpp>
#include <kurier/testing/broker_connection.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

// A request before it is handled.
struct request_view
{
    connection_id connection = 0;
    broker_id broker = -1;
    std::int16_t api_key = -1;
    std::int16_t version = -1;
    std::int32_t correlation_id = 0;
    bytes_view body;
    instant now;

    template <class Request> bool decode(Request& request) const
    {
        return request.api_key == api_key && protocol::decode(body, version, request);
    }
};

// What an interceptor wants.
class interception
{
public:
    enum class kind : std::uint8_t { pass, answer, close, never };

    static interception pass() { return interception{kind::pass}; }   // let the broker handle it
    static interception close() { return interception{kind::close}; } // unhandled
    static interception never()
    {
        return interception{kind::never};
    } // no answer, to this or a following request
    template <class Response>
    static interception answer(const Response& response, const request_view& request, nanoseconds delay = {})
    {
        interception made{kind::answer};
        protocol::write_response_frame(made.frame_, response, request.version, request.correlation_id);
        made.delay_ = delay;
        return made;
    }
    // Any bytes in place of the answer, the four bytes of the size included.
    static interception raw(std::vector<std::byte> frame, nanoseconds delay = {})
    {
        interception made{kind::answer};
        made.frame_ = std::move(frame);
        made.delay_ = delay;
        return made;
    }

    kind what() const noexcept { return kind_; }
    std::vector<std::byte>& frame() noexcept { return frame_; }
    nanoseconds delay() const noexcept { return delay_; }

private:
    explicit interception(kind what) : kind_{what} {}
    kind kind_;
    std::vector<std::byte> frame_;
    nanoseconds delay_{0};
};

using interceptor = std::function<interception(const request_view&)>;

class interceptors
{
public:
    static constexpr int always = -1;

    // The next `times` requests for the API that it doesn't let pass. Older interceptors are asked first.
    void add(std::int16_t api_key, interceptor function, int times)
    {
        entries_.push_back({api_key, std::move(function), times});
    }
    void clear() noexcept { entries_.clear(); }
    bool empty() const noexcept { return entries_.empty(); }

    interception ask(const request_view& request)
    {
        for (std::size_t i = 0; i != entries_.size(); ++i) {
            if (entries_[i].api_key != request.api_key || entries_[i].left == 0) continue;
            const interceptor function = entries_[i].function; // it may add others
            interception wish = function(request);
            if (wish.what() == interception::kind::pass) continue;
            if (i < entries_.size() && entries_[i].left > 0 && --entries_[i].left == 0)
                entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
            return wish;
        }
        return interception::pass();
    }

private:
    struct entry
    {
        std::int16_t api_key;
        interceptor function;
        int left;
    };
    std::deque<entry> entries_;
};

} // namespace kurier::inline KURIER_ABI::testing
