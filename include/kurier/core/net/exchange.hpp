// A conversation with brokers: whoever sends requests learns here what became of each. One virtual call per request, none
// per record.
//
// Every request ends in on_response() or on_lost(); one that expects no response (Produce with acks=0), in on_written()
// or on_lost(). on_released() comes last: the socket reads the request's memory no more.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/error.hpp>
#include <kurier/instant.hpp>

namespace kurier::inline KURIER_ABI::core {

struct connection;
struct request;

class exchange
{
public:
    // `body` is what follows the correlation id. False: it can't be decoded, and the connection is closed.
    virtual bool on_response(connection& from, request& sent, bytes_view body, instant now) = 0;
    virtual void on_lost(connection& over, request& sent, error_code why, instant now) = 0;
    virtual void on_silent(connection&, request&, instant) {
    } // it is overdue, and may still come: silence.hpp
    virtual void on_written(connection&, request&, instant) {}
    virtual void on_released(request&) {}

protected:
    ~exchange() = default;
};

} // namespace kurier::inline KURIER_ABI::core
