// Anything in any order, from a seed: records, answers of every kind, lost connections, leaders that move. Then all of it
// is mended, and nothing is held any more.
#pragma once

#include "core_script.hpp"

namespace kurier::core::script {

class random_trouble
{
public:
    explicit random_trouble(std::uint64_t seed) : random_{seed}, s_{config(random_), seed}
    {
        s_.brokers = {{1, 9001}, {2, 9002}};
        s_.topics["t"].partitions = {{1, 0, 0}, {2, 0, 0}, {1, 0, 0}};
        s_.topics["u"] = {id_of(2), {{2, 0, 0}}, broker_errc::none};
    }

    void run(int steps) // once more, if it ran before
    {
        for (int i = 0; i < steps && s_.broken.empty(); ++i) act();
        recover();
    }

    // Of what went on so far. Everything that is still allocated then is the core's, or of a fixed size.
    void forget()
    {
        s_.forget();
        flushes_ = {};
        last_ = {};
    }

    core_script& script() noexcept { return s_; }

private:
    static producer_config config(random_source& random)
    {
        auto made = plain_config();
        made.linger = milliseconds{random.below(3) * 10};
        made.batch_size = 200 + random.below(1000);
        made.buffer_memory = 4096 + random.below(3) * 8192;
        made.delivery_timeout = 20s;
        made.request_timeout = 8s;
        made.max_block = 15s;
        made.max_in_flight_requests_per_connection = 1 + static_cast<std::int32_t>(random.below(6));
        made.max_request_size = 1000 + random.below(3000);
        if (random.below(4) == 0) made.enable_idempotence = false;
        if (random.below(4) == 0) made.retries = 3;
        if (random.below(8) == 0) {
            made.acks = acks::none;
            made.enable_idempotence = false;
        }
        return made;
    }

    bool chance(std::uint64_t one_in) { return random_.below(one_in) == 0; }

    void act()
    {
        const auto what = random_.below(16);
        if (what > 3 && what != 12) last_ = {}; // it is not held: what follows may end it
        switch (what) {
        case 0:
        case 1:
        case 2:
        case 3:
            send();
            break;
        case 4:
        case 5:
            s_.step();
            break;
        case 6:
            s_.step(milliseconds{random_.below(2000)});
            break;
        case 7:
        case 8:
        case 9:
        case 10:
            answer();
            break;
        case 11:
            if (chance(4)) drop();
            break;
        case 12:
            withdraw();
            break;
        case 13:
            if (chance(3)) flushes_.push_back(s_.core.flush());
            break;
        case 14:
            disturb();
            break;
        default:
            if (!s_.peers.empty()) s_.write(some_link(), random_.below(200));
            break;
        }
    }

    void send()
    {
        const auto size = random_.below(chance(5) ? 1500 : 150);
        const bool other = chance(4);
        const auto partition = other ? 0 : static_cast<std::int32_t>(random_.below(3));
        const record_bytes record{{}, std::string_view{text_}.substr(0, size), {}, s_.now.wall_ms};
        if (chance(4))
            s_.send_record(other ? "u" : "t", record, std::nullopt);
        else
            s_.send_record(other ? "u" : "t", record, partition);
        last_ = {s_.last_place, s_.last_waiting, &s_.outcomes.back()};
    }

    void withdraw()
    {
        if (!last_.told || last_.told->done()) return;
        if (last_.waiting && last_.waiting->waits()) {
            s_.core.withdraw(*last_.waiting);
            ++last_.told->times_told; // that was the end of it
        } else if (last_.place.where && s_.core.withdraw(*last_.place.where, last_.place.index)) {
            ++last_.told->times_told;
        }
        last_ = {};
    }

    void answer()
    {
        if (s_.asked.empty()) return;
        using enum broker_errc;
        static constexpr broker_errc errors[] = {not_leader_or_follower,
                                                 not_enough_replicas,
                                                 not_enough_replicas_after_append,
                                                 request_timed_out,
                                                 out_of_order_sequence_number,
                                                 unknown_producer_id,
                                                 invalid_producer_epoch,
                                                 duplicate_sequence_number,
                                                 message_too_large,
                                                 topic_authorization_failed,
                                                 unknown_topic_or_partition,
                                                 kafka_storage_error,
                                                 unknown_server_error,
                                                 invalid_record,
                                                 corrupt_message};
        const auto question = s_.take();
        std::vector<reply> replies;
        for (std::size_t i = 0; i < question.batches.size(); ++i) {
            auto& with = replies.emplace_back();
            if (chance(2)) with.error = errors[random_.below(std::size(errors))];
            if (chance(10)) with.times = static_cast<int>(random_.below(3));
            if (chance(10))
                with.leader = 1 + static_cast<std::int32_t>(random_.below(2)), with.leader_epoch = ++epoch_;
        }
        s_.answer(question, replies, chance(20) ? 500 : 0);
    }

    connection_id some_link()
    {
        auto found = s_.peers.begin();
        std::advance(found, static_cast<std::ptrdiff_t>(random_.below(s_.peers.size())));
        return found->first;
    }

    void drop()
    {
        if (!s_.peers.empty()) s_.drop(some_link());
    }

    void disturb()
    {
        auto& partition = s_.topics["t"].partitions[random_.below(3)];
        switch (random_.below(7)) {
        case 0:
            partition = {1 + static_cast<std::int32_t>(random_.below(2)), ++epoch_, 0};
            break;
        case 1:
            partition = {-1, ++epoch_, 0};
            break;
        case 2:
            s_.topics["t"].id = id_of(static_cast<unsigned char>(10 + random_.below(200)));
            break;
        case 3:
            s_.topics["u"].error = chance(2) ? broker_errc::none : broker_errc::leader_not_available;
            break;
        case 4:
            s_.init_producer_id_error =
                chance(2) ? broker_errc::none : broker_errc::coordinator_load_in_progress;
            break;
        case 5:
            s_.take_writes = !s_.take_writes;
            break;
        default:
            s_.change_epoch_soon(random_);
            break;
        }
    }

    void recover()
    {
        s_.take_writes = true;
        s_.init_producer_id_error = broker_errc::none;
        s_.topics["u"].error = broker_errc::none;
        for (auto& partition : s_.topics["t"].partitions) partition = {1, ++epoch_, 0};
        for (auto& [id, one] : s_.peers) s_.write(id);
        for (int i = 0; i < 200 && !s_.core.idle(); ++i) {
            s_.step(500ms);
            s_.answer_all();
        }
        s_.step(30s);
        s_.answer_all();
        CHECK(s_.core.idle());
        CHECK(s_.core.pool().in_use() == 0);
        for (const auto epoch : flushes_) CHECK(s_.core.flushed(epoch));
        int wrong = 0;
        for (const auto& told : s_.outcomes) wrong += told.times_told != 1;
        CHECK(wrong == 0);
    }

    struct last_sent
    {
        core::place place;
        waiting_record* waiting = nullptr;
        outcome* told = nullptr;
    };

    random_source random_;
    core_script s_;
    std::string text_ = std::string(2000, 'x');
    std::int32_t epoch_ = 0;
    last_sent last_;
    std::vector<std::uint64_t> flushes_;
};

} // namespace kurier::core::script
