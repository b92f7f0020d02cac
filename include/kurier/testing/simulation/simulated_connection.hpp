// A TCP connection of the simulated network: bytes on their way in both directions, and what the client's socket is
// doing.
#pragma once

#include <kurier/core/net/connection.hpp>
#include <kurier/error.hpp>
#include <kurier/testing/cluster_model.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

// Bytes in order. At most one delivery is on the agenda.
struct simulated_pipe
{
    std::vector<std::byte> bytes;
    std::size_t begin = 0;
    bool scheduled = false;
    bool silent = false;   // what is on its way never arrives
    bool trickles = false; // a few bytes at a time

    std::size_t size() const noexcept { return bytes.size() - begin; }
    bool empty() const noexcept { return begin == bytes.size(); }
    bytes_view front(std::size_t count) const noexcept { return {bytes.data() + begin, count}; }
    void put(bytes_view more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
    void drop(std::size_t count)
    {
        begin += count;
        if (empty()) clear();
    }
    void clear() noexcept
    {
        bytes.clear();
        begin = 0;
    }
};

struct simulated_connection
{
    std::uint64_t serial = 0;
    core::connection_id link = 0; // the producer's name for it
    connection_id remote = 0;     // the cluster's; 0: not connected, or the broker is gone
    broker_id broker = -1;
    simulated_pipe up, down; // to the broker, to the client

    // The client's socket
    bool established = false;
    bool client_closing = false; // its end is on the agenda
    bool client_gone = false;    // the producer knows that it is over; what is on its way may still arrive
    bool end_of_stream = false;  // the broker has closed; the client learns it behind what is on its way
    error_code reason;
    bool writing = false;
    std::array<bytes_view, 16> views;
    std::size_t view_count = 0;
    std::size_t write_size = 0;     // how much of the views this write will take
    std::span<std::byte> read_into; // where the pending read puts its bytes

    // As much of what is being written as the socket took. Copied only now, as a kernel may do it: the producer must
    // not have touched this memory meanwhile.
    void take_written(std::size_t count)
    {
        for (std::size_t i = 0; i < view_count && count > 0; ++i) {
            const auto part = std::min(count, views[i].size());
            up.put(views[i].first(part));
            count -= part;
        }
    }
};

} // namespace kurier::inline KURIER_ABI::testing
