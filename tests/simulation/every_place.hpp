// Small sessions with a disturbance at every byte that is sent or received and at every step of the producer: see
// session_run.hpp.
#pragma once

#include "campaign.hpp"
#include "session_run.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace simulation_tests {

class every_place
{
public:
    // `bits`: how many of each byte's bits are flipped, one after the other.
    every_place(campaign& runs, int bits) : runs_{runs}, bits_{bits} {}

    void run()
    {
        std::uint64_t sessions = 0;
        for (const auto& session : small_sessions()) {
            if (runs_.failed_enough()) break;
            disturb(session);
            ++sessions;
        }
        std::printf("every place: sessions %llu, cases %llu\n", static_cast<unsigned long long>(sessions),
                    static_cast<unsigned long long>(cases_));
    }

    void disturb(const small_session& session)
    {
        session_run calm{session};
        calm.run();
        count(calm, session, "nothing", 0);
        if (calm.delivered() == 0) runs_.fail(session.name + ": nothing is delivered");
        for (int kind = 1; kind < disturbances && !runs_.failed_enough(); ++kind) {
            const auto what = static_cast<disturbance>(kind);
            const auto places = is_down(what) ? calm.bytes_down()
                                : is_up(what) ? calm.bytes_up()
                                              : calm.steps();
            const auto bits = lies(what) ? bits_ : 1;
            for (std::uint64_t place = 0; place < places && !runs_.failed_enough(); ++place)
                for (int bit = 0; bit < bits; ++bit) {
                    session_run disturbed{session, what, place,
                                          static_cast<int>(place + static_cast<std::uint64_t>(bit)) % 8};
                    disturbed.run();
                    count(disturbed, session, disturbance_names[static_cast<std::size_t>(kind)], place);
                    if (!disturbed.disturbed()) runs_.fail(session.name + ": a place that is not reached");
                }
        }
    }

    std::uint64_t cases() const noexcept { return cases_; }

private:
    void count(const session_run& run, const small_session& session, std::string_view what,
               std::uint64_t place)
    {
        ++cases_;
        runs_.count_case(run.steps(), run.disturbed());
        if (run.broken().empty()) return;
        runs_.fail(session.name + ", " + std::string{what} + " at " + std::to_string(place) + ": " +
                   run.broken());
    }

    campaign& runs_;
    int bits_;
    std::uint64_t cases_ = 0;
};

} // namespace simulation_tests
