// Requests and responses as they travel: an int32 size, a header, the message.
// RequestHeader.json (version 1; version 2 before flexible messages), ResponseHeader.json (0; 1 before flexible ones)
#pragma once

#include <kurier/protocol/messages/api_versions.hpp>
#include <kurier/protocol/schema.hpp>

#include <optional>
#include <string_view>

namespace kurier::inline KURIER_ABI::protocol {

struct request_header
{
    std::int16_t api_key = 0, version = 0;
    std::int32_t correlation_id = 0;
    std::optional<std::string> client_id;
};

// The header without the size; `flexible` is the message's.
inline void put_request_header(wire::writer& out, std::int16_t api_key, std::int16_t version,
                               std::int32_t correlation_id, std::string_view client_id, bool flexible)
{
    out.put_int(api_key);
    out.put_int(version);
    out.put_int(correlation_id);
    put_length<std::int16_t>(out, std::ssize(client_id), how{}); // not a compact text in any version
    out.put(client_id.data(), client_id.size());
    if (flexible) out.put_uvarint(0); // no tagged fields
}

inline void overwrite_size(std::vector<std::byte>& frame, std::size_t at, std::size_t size)
{
    for (std::size_t i = 0; i < 4; ++i) frame[at + i] = static_cast<std::byte>(size >> (8 * (3 - i)));
}

inline bool finish_frame(std::vector<std::byte>& out, std::size_t begin, const wire::writer& writer)
{
    if (writer.bad())
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end());
    else
        overwrite_size(out, begin, out.size() - begin - 4);
    return !writer.bad();
}

// Appends to `out`. False: the writer's error (schema.hpp); nothing is appended.
template <message Request> bool write_request_frame(std::vector<std::byte>& out, const Request& request,
                                                    std::int16_t version, std::int32_t correlation_id,
                                                    std::string_view client_id)
{
    const auto begin = out.size();
    wire::writer writer{out};
    writer.put_int(std::int32_t{0});
    put_request_header(writer, Request::api_key, version, correlation_id, client_id,
                       Request::flexible(version));
    encode(request, version, writer);
    return finish_frame(out, begin, writer);
}

// The header of a request for an API whose message is flexible in this version or not. False: it can't be read.
template <class Flexible> // bool (api_key, version)
bool take_request_header(wire::reader& in, request_header& header, const Flexible& flexible)
{
    header.api_key = in.take_int<std::int16_t>();
    header.version = in.take_int<std::int16_t>();
    header.correlation_id = in.take_int<std::int32_t>();
    const auto length = take_length<std::int16_t>(in, how{});
    header.client_id.reset();
    if (length >= 0) header.client_id = as_text(in.take(static_cast<std::size_t>(length)));
    if (!in.bad() && flexible(header.api_key, header.version)) skip_tagged_fields(in);
    return !in.bad();
}

// ApiVersions answers with header version 0 always: the client does not know yet what the broker speaks.
template <message Response> constexpr bool response_header_flexible(std::int16_t version) noexcept
{
    return Response::api_key != api_versions_response::api_key && Response::flexible(version);
}

template <message Response> bool write_response_frame(std::vector<std::byte>& out, const Response& response,
                                                      std::int16_t version, std::int32_t correlation_id)
{
    const auto begin = out.size();
    wire::writer writer{out};
    writer.put_int(std::int32_t{0});
    writer.put_int(correlation_id);
    if (response_header_flexible<Response>(version)) writer.put_uvarint(0);
    encode(response, version, writer);
    return finish_frame(out, begin, writer);
}

// `bytes`: what follows the correlation id. Bytes behind the response are ignored, as Kafka's clients do: there are
// brokers that send some (Metadata of librdkafka's mock cluster, from version 9).
template <message Response> bool decode_response(bytes_view bytes, std::int16_t version, Response& response)
{
    wire::reader in{bytes};
    if (response_header_flexible<Response>(version)) skip_tagged_fields(in);
    const bytes_view message{in.position(), in.left()};
    std::size_t behind = 0;
    return !in.bad() &&
           decode_front(message, version, response, decoding_memory_max<Response>(message.size()), behind);
}

} // namespace kurier::inline KURIER_ABI::protocol
