// A partition with one batch open, one queued, two in flight: what the printers of tools/gdb are tried on.
#include <kurier/core/state/topic.hpp>

#include <memory>

using namespace kurier::core;

namespace {

void stop() {} // where gdb looks

void fill(batch& made, partition_state& of, std::uint64_t first, int count)
{
    made.partition = &of;
    made.first_record = first;
    made.record_count = count;
    made.size = 100;
}

} // namespace

int main()
{
    broker_node broker;
    broker.id = 1;
    broker.move_to("kafka-1", 9092);
    topic_state orders;
    orders.name = kurier::topic_name{std::string{"orders"}};
    partition_state partition;
    partition.topic = &orders;
    partition.index = 3;
    partition.leader = &broker;
    partition.leader_epoch = 7;
    partition.producer = {.id = 4000, .epoch = 2, .next_sequence = 12, .gap = true};
    batch flying[2], queued, open;
    for (int i = 0; i < 2; ++i) {
        fill(flying[i], partition, static_cast<std::uint64_t>(3 * i), 3);
        flying[i].phase = batch_phase::in_flight;
        flying[i].producer_id = 4000;
        flying[i].producer_epoch = 2;
        flying[i].base_sequence = 3 * i;
        flying[i].attempts = 1;
        flying[i].maybe_written = i == 0;
        partition.flights.push_back(flying[i]);
    }
    fill(queued, partition, 6, 2);
    queued.phase = batch_phase::ready;
    queued.due = true;
    partition.queue.push_back(queued);
    fill(open, partition, 8, 1);
    partition.open = &open;
    broker.ready.push_back(partition);
    stop();
    return static_cast<int>(broker.ready.size()) - 1;
}
