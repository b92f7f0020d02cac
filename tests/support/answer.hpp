// Answers as a test's own clients get them: a frame without its size.
#pragma once

#include <kurier/protocol/frame.hpp>

#include <cstdint>
#include <stdexcept>

namespace kurier::inline KURIER_ABI::testing {

inline std::int32_t correlation_id_of(bytes_view frame)
{
    return wire::reader{frame}.take_int<std::int32_t>();
}

template <class Response> Response answer_in(bytes_view frame, std::int16_t version)
{
    Response response;
    if (frame.size() < 4 || !protocol::decode_response(frame.subspan(4), version, response))
        throw std::runtime_error("the answer can't be read");
    return response;
}

} // namespace kurier::inline KURIER_ABI::testing
