// Sequences, epochs and duplicates: what a partition remembers of a producer.
#pragma once

#include "cases.hpp"

#include <limits>

namespace kurier::parity {

namespace idempotence {

inline constexpr std::int32_t last = std::numeric_limits<std::int32_t>::max();

struct partition : producing
{
    explicit partition(run& to, const testing::topic_options& options = {})
        : producing{to, options}, producer{to.new_producer()}
    {}
    run::identity producer;

    void batch(std::int16_t epoch, std::int32_t sequence, int count)
    {
        batch_builder built = batch_builder{1'600'000'000'000}.records(count, 1);
        built.producer(producer.id, epoch, sequence);
        (*this)("epoch " + std::to_string(epoch) + " sequence " + std::to_string(sequence) + " of " +
                    std::to_string(count),
                built);
    }
};

inline void twice(run& to)
{
    partition p{to};
    p.batch(0, 0, 1);
    p.batch(0, 0, 1);
    p.batch(0, 1, 2);
    p.batch(0, 1, 2);
    p.batch(0, 0, 1);
    p.batch(0, 3, 1);
}

inline void gaps(run& to)
{
    partition p{to};
    p.batch(0, 0, 3);
    p.batch(0, 4, 1);
    p.batch(0, 5, 1);
    p.batch(0, 3, 1);
    p.batch(0, 2, 1);
    p.batch(0, 2, 2);
    p.batch(0, 0, 2);
    p.batch(0, 0, 4);
    p.batch(0, 4, 1);
}

inline void window(run& to)
{
    partition p{to};
    for (int i = 0; i != 8; ++i) p.batch(0, 2 * i, 2);
    for (int i = 0; i != 8; ++i) p.batch(0, 2 * i, 2);
    p.batch(0, 16, 1);
}

inline void unknown_producer(run& to)
{
    partition p{to};
    p.batch(0, 17, 2);
    p.batch(0, 17, 2);
    p.batch(0, 19, 1);
    p.batch(0, 0, 1);
    partition q{to};
    q.batch(5, 3, 1);
    q.batch(5, 4, 1);
    q.batch(4, 5, 1);
}

inline void epochs(run& to)
{
    partition p{to};
    p.batch(3, 0, 2);
    p.batch(2, 2, 1);
    p.batch(2, 0, 1);
    p.batch(4, 2, 1);
    p.batch(4, 1, 1);
    p.batch(4, 0, 1);
    p.batch(4, 0, 1);
    p.batch(3, 0, 2);
    p.batch(3, 2, 1);
    p.batch(9, 0, 1);
    p.batch(9, 1, 1);
    p.batch(32767, 0, 1);
    p.batch(32767, 1, 1);
    p.batch(9, 2, 1);
}

inline void wrap_between(run& to)
{
    partition p{to};
    p.batch(0, last - 1, 1);
    p.batch(0, last, 1);
    p.batch(0, 1, 1);
    p.batch(0, 0, 1);
    p.batch(0, last, 1);
    p.batch(0, 1, 1);
}

inline void wrap_inside(run& to)
{
    partition p{to};
    p.batch(0, last - 3, 2);
    p.batch(0, last - 1, 4);
    p.batch(0, last - 1, 4);
    p.batch(0, 3, 1);
    p.batch(0, 1, 1);
    p.batch(0, 2, 1);
    p.batch(0, last - 3, 2);
}

inline void two_producers(run& to)
{
    partition p{to};
    p.batch(0, 0, 2);
    const auto first = p.producer;
    p.producer = to.new_producer();
    p.batch(0, 0, 2);
    p.batch(0, 2, 1);
    p.producer = first;
    p.batch(0, 2, 1);
    p.batch(0, 0, 2);
}

inline void duplicates_with_log_append_time(run& to)
{
    testing::topic_options options;
    options.log_append_time = true;
    partition p{to, options};
    p.batch(0, 0, 2);
    p.batch(0, 2, 1);
    p.batch(0, 0, 2);
}

// Only sequence numbers make a duplicate, not content.
inline void other_content(run& to)
{
    partition p{to};
    p.batch(0, 0, 2);
    bytes other = batch_builder{1'600'000'000'000}
                      .record("other", "x")
                      .record("keys", "y")
                      .producer(p.producer.id, 0, 0);
    p("other records under the same sequence", other);
    p.batch(0, 2, 1);
}

inline void deleted_records(run& to)
{
    partition p{to};
    for (int i = 0; i != 4; ++i) p.batch(0, 2 * i, 2);
    to.broker().delete_records(p.name(), 3);
    p.batch(0, 0, 2);
    p.batch(0, 8, 2);
    to.broker().delete_records(p.name(), 10);
    p.batch(0, 8, 2);
    p.batch(0, 11, 2);
    p.batch(0, 10, 2);
    p.batch(1, 5, 1);
    p.batch(1, 0, 1);
}

inline void refused_batches_leave_no_trace(run& to)
{
    testing::topic_options options;
    options.max_message_bytes = 400;
    partition p{to, options};
    p.batch(0, 0, 1);
    bytes large = batch_builder{1'600'000'000'000}.records(40).producer(p.producer.id, 0, 1);
    p("too large", large);
    bytes late = batch_builder{wall_ms() + 9'000'000}.records(1).producer(p.producer.id, 0, 1);
    p("too late", late);
    p.batch(0, 2, 1);
    p.batch(0, 1, 1);
    // what is wrong with the batch comes before what is wrong with its sequence, and before being a duplicate
    late = batch_builder{wall_ms() + 9'000'000}.records(1).producer(p.producer.id, 0, 0);
    p("too late, duplicate", late);
    large = batch_builder{1'600'000'000'000}.records(40).producer(p.producer.id, 0, 77);
    p("too large, gap", large);
}

inline void plain_between(run& to)
{
    partition p{to};
    p.batch(0, 0, 1);
    bytes plain = batch_builder{1'600'000'000'000}.records(3);
    p("without producer id", plain);
    p.batch(0, 1, 1);
    p.batch(0, 0, 1);
}

inline void odd_identities(run& to)
{
    partition p{to};
    const auto odd = [&](const std::string& what, std::int64_t id, std::int16_t epoch,
                         std::int32_t sequence) {
        bytes batch = batch_builder{1'600'000'000'000}.records(1).producer(id, epoch, sequence);
        p(what, batch);
    };
    odd("sequence -1", p.producer.id, 0, -1);
    odd("sequence -2", p.producer.id, 0, -2);
    odd("id never given out", 1'234'567'890'123, 0, 0);
    odd("its next", 1'234'567'890'123, 0, 1);
    odd("id -2, sequence 0", -2, 0, 0);
    odd("no id, but a sequence", -1, -1, 5);
    odd("no id, but an epoch", -1, 5, -1);
}

inline void after_recreation(run& to)
{
    partition p{to};
    p.batch(0, 0, 1);
    to.broker().delete_topic(p.name());
    p.version(9);
    p.batch(0, 1, 1);
    p.version(13);
    p.batch(0, 1, 1);
    to.broker().create_topic(p.name(), {});
    to.broker().topic_id(p.name());
    p.batch(0, 1, 1);
    p.version(9);
    p.batch(0, 1, 1);
    p.batch(0, 2, 1);
}

} // namespace idempotence

inline std::vector<named_case> idempotence_cases()
{
    using namespace idempotence;
    return {{"sequences: twice", twice},
            {"sequences: gaps", gaps},
            {"sequences: the last five", window},
            {"sequences: unknown producer", unknown_producer},
            {"sequences: epochs", epochs},
            {"sequences: sequence wraps between batches", wrap_between},
            {"sequences: sequence wraps inside a batch", wrap_inside},
            {"sequences: two producers", two_producers},
            {"sequences: duplicates with log append time", duplicates_with_log_append_time},
            {"sequences: other content", other_content},
            {"sequences: deleted records", deleted_records},
            {"sequences: refused batches leave no trace", refused_batches_leave_no_trace},
            {"sequences: batches without producer id between", plain_between},
            {"sequences: odd identities", odd_identities},
            {"sequences: topic deleted and made anew", after_recreation}};
}

} // namespace kurier::parity
