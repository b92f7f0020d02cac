// The answer to a Produce request read straight from its bytes: no message is built and nothing is allocated. A visitor
// is told of each part, in the order of the bytes:
//
//     void topic(std::string_view name, const uuid& id);          // name until version 12, id since 13
//     void partition(const produce_partition_view& answer);       // of the topic told last
//     void end(std::int32_t throttle_time_ms, node_endpoints_view leaders);
//
// The declared message (messages/produce.hpp) says the same in one place; both accept the same bytes.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/protocol/messages/produce.hpp>
#include <kurier/protocol/schema.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace kurier::inline KURIER_ABI::protocol {

namespace detail {

inline std::optional<std::string_view> take_text(wire::reader& in, how h)
{
    const auto length = take_length<std::int16_t>(in, h);
    if (length < 0) return std::nullopt;
    return as_text(in.take(static_cast<std::size_t>(length)));
}

inline std::string_view take_non_null_text(wire::reader& in, how h)
{
    const auto text = take_text(in, h);
    if (!text) in.fail();
    return text.value_or(std::string_view{});
}

inline std::size_t take_count(wire::reader& in, how h)
{
    const auto count = take_length<std::int32_t>(in, h);
    if (count < 0) in.fail();
    return count < 0 ? 0 : static_cast<std::size_t>(count);
}

// Calls known(body) for the tagged field 0, once for each time it is there; others are skipped.
template <class Known> void take_tag_zero(wire::reader& in, Known known)
{
    for (auto left = in.take_uvarint(); left > 0 && !in.bad(); --left) {
        const auto tag = in.take_uvarint();
        wire::reader body{in.take(in.take_uvarint())};
        if (in.bad() || tag != 0) continue;
        known(body);
        if (body.bad() || body.left() > 0) in.fail();
    }
}

} // namespace detail

// A list that stays encoded. It was read through once before anyone sees it, so going through it can't fail.
template <class Element> class encoded_list
{
public:
    class iterator
    {
    public:
        using iterator_concept = std::input_iterator_tag;
        using value_type = Element;
        using difference_type = std::ptrdiff_t;

        iterator(bytes_view bytes, std::size_t left, how h) noexcept : in_{bytes}, left_{left}, how_{h}
        {
            read();
        }
        const Element& operator*() const noexcept { return element_; }
        const Element* operator->() const noexcept { return &element_; }
        iterator& operator++() noexcept
        {
            --left_;
            read();
            return *this;
        }
        void operator++(int) noexcept { ++*this; }
        friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return at.left_ == 0; }

    private:
        void read() noexcept
        {
            if (left_ > 0) element_ = Element::take(in_, how_);
        }
        wire::reader in_;
        std::size_t left_;
        how how_;
        Element element_;
    };

    encoded_list() noexcept = default;

    // Reads through the list in front of `in`.
    static encoded_list take(wire::reader& in, how h) noexcept
    {
        encoded_list list;
        list.size_ = detail::take_count(in, h);
        list.how_ = h;
        const auto* begin = in.position();
        for (std::size_t i = 0; i < list.size_ && !in.bad(); ++i) Element::take(in, h);
        if (in.bad()) return {};
        list.bytes_ = {begin, in.position()};
        return list;
    }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    iterator begin() const noexcept { return {bytes_, size_, how_}; }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    bytes_view bytes_;
    std::size_t size_ = 0;
    how how_;
};

struct record_error_view // KIP-467
{
    std::int32_t batch_index = 0;
    std::optional<std::string_view> batch_index_error_message;

    static record_error_view take(wire::reader& in, how h) noexcept
    {
        record_error_view read;
        read.batch_index = in.take_int<std::int32_t>();
        read.batch_index_error_message = detail::take_text(in, h);
        if (h.flexible) skip_tagged_fields(in);
        return read;
    }
};

struct node_endpoint_view // KIP-951
{
    std::int32_t node_id = 0;
    std::string_view host;
    std::int32_t port = 0;
    std::optional<std::string_view> rack;

    static node_endpoint_view take(wire::reader& in, how h) noexcept
    {
        node_endpoint_view read;
        read.node_id = in.take_int<std::int32_t>();
        read.host = detail::take_non_null_text(in, h);
        read.port = in.take_int<std::int32_t>();
        read.rack = detail::take_text(in, h);
        skip_tagged_fields(in);
        return read;
    }
};

using record_errors_view = encoded_list<record_error_view>;
using node_endpoints_view = encoded_list<node_endpoint_view>;

struct produce_partition_view
{
    std::int32_t index = 0;
    std::int16_t error_code = 0;
    std::int64_t base_offset = 0;
    std::int64_t log_append_time_ms = -1;
    std::int64_t log_start_offset = -1;
    record_errors_view record_errors;
    std::optional<std::string_view> error_message;
    leader_id_and_epoch current_leader;

    static produce_partition_view take(wire::reader& in, how h) noexcept
    {
        produce_partition_view read;
        read.index = in.take_int<std::int32_t>();
        read.error_code = in.take_int<std::int16_t>();
        read.base_offset = in.take_int<std::int64_t>();
        read.log_append_time_ms = in.take_int<std::int64_t>();
        if (h.version >= 5) read.log_start_offset = in.take_int<std::int64_t>();
        if (h.version >= 8) {
            read.record_errors = record_errors_view::take(in, h);
            read.error_message = detail::take_text(in, h);
        }
        if (h.version >= 10)
            detail::take_tag_zero(in, [&](wire::reader& body) {
                read.current_leader.leader_id = body.take_int<std::int32_t>();
                read.current_leader.leader_epoch = body.take_int<std::int32_t>();
                skip_tagged_fields(body);
            });
        else if (h.flexible)
            skip_tagged_fields(in);
        return read;
    }
};

// `bytes`: the message, without headers. Texts and lists that the visitor is given are views of them. False: malformed,
// which may show only after the visitor was told of a part: then forget what it was told. Bytes behind the message
// are ignored, as in decode_response.
template <class Visitor>
bool decode_produce_response(bytes_view bytes, std::int16_t version, Visitor&& visitor)
{
    const auto h = how_of<produce_response>(version);
    wire::reader in{bytes};
    for (auto topics = detail::take_count(in, h); topics > 0; --topics) {
        std::string_view name;
        uuid id;
        if (version <= 12)
            name = detail::take_non_null_text(in, h);
        else
            take(in, id, h);
        const auto partitions = detail::take_count(in, h);
        if (in.bad()) return false;
        visitor.topic(name, id);
        for (std::size_t i = 0; i < partitions; ++i) {
            const auto answer = produce_partition_view::take(in, h);
            if (in.bad()) return false;
            visitor.partition(answer);
        }
        if (h.flexible) skip_tagged_fields(in);
        if (in.bad()) return false;
    }
    const auto throttle_time_ms = in.take_int<std::int32_t>();
    node_endpoints_view leaders;
    if (version >= 10)
        detail::take_tag_zero(in, [&](wire::reader& body) { leaders = node_endpoints_view::take(body, h); });
    else if (h.flexible)
        skip_tagged_fields(in);
    if (in.bad()) return false;
    visitor.end(throttle_time_ms, leaders);
    return true;
}

} // namespace kurier::inline KURIER_ABI::protocol
