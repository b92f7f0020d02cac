// What the core asks its driver to do. The driver performs actions in order and makes no decisions about Kafka.
#pragma once

#include <kurier/core/net/connection.hpp>
#include <kurier/core/state/compression_job.hpp>

#include <string>

namespace kurier::inline KURIER_ABI::core {

enum class action_kind : std::uint8_t {
    connect,    // resolve host and connect to port, then report connected() or closed()
    write,      // there are bytes to write: gather() them, write, report written()
    close,      // drop the connection, then report closed() when no read or write refers to its memory
    credential, // obtain what the connection authenticates with, then report credential()
    compute,    // report compute(), after other handlers have run
    compress,   // run() the job on any thread, then report compressed(), on which it ends
};

struct action
{
    action_kind kind = action_kind::close;
    connection_id link = 0;
    std::string host;               // connect only
    std::uint16_t port = 0;         // connect only
    compression_job* job = nullptr; // compress only
    bool canonical = false;         // connect only: by the canonical name of each of the host's addresses
};

} // namespace kurier::inline KURIER_ABI::core
