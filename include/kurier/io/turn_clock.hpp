// The time of a turn. The steady clock is read once per turn, by whoever asks first; wall time is derived from it, and the
// two are compared only now and then. Records sent in one turn share a create time.
#pragma once

#include <kurier/instant.hpp>

#include <chrono>

namespace kurier::inline KURIER_ABI::io {

class turn_clock
{
public:
    turn_clock() { synchronise(); }

    // Was it read by the handler that is running now?
    bool fresh() const noexcept { return fresh_; }
    void turn_over() noexcept { fresh_ = false; }

    const core::instant& now() const noexcept { return now_; } // as of the last reading

    void read()
    {
        fresh_ = true;
        now_.steady = steady();
        const auto passed = now_.steady - synchronised_;
        if (passed > std::chrono::milliseconds{500})
            synchronise();
        else
            now_.wall_ms = milliseconds(wall_then_ + passed);
    }

private:
    static core::nanoseconds steady() { return std::chrono::steady_clock::now().time_since_epoch(); }

    static std::int64_t milliseconds(std::chrono::nanoseconds since_epoch)
    {
        return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    }

    void synchronise()
    {
        now_.steady = synchronised_ = steady();
        wall_then_ = std::chrono::system_clock::now().time_since_epoch();
        now_.wall_ms = milliseconds(wall_then_);
    }

    core::instant now_;
    core::nanoseconds synchronised_{0};
    std::chrono::nanoseconds wall_then_{0}; // at synchronised_
    bool fresh_ = false;
};

} // namespace kurier::inline KURIER_ABI::io
