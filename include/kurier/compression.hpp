// Compression as a producer sees it: the ids that go into a batch's attributes, what a codec and a
// decompressor must offer, and `codecs<...>`, the compile-time list through which a program says which codecs
// it wants. Nothing here needs a compression library; each codec is its own header in kurier/compression/ and
// brings its own dependency.
//
// A codec of the user's own fits beside or instead of them: anything that models `compression_codec` may
// stand in the list, e.g. a gzip_codec over another deflate implementation.
//
// Thread safety: a codec or decompressor is used by one thread at a time; distinct objects are independent.
#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <kurier/bytes.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace kurier::inline KURIER_ABI {

// The three low bits of a batch's attributes. And `automatic`, which a configuration may say and no batch has: the
// codec of each topic is chosen by measuring (kurier/compression/adaptive.hpp).
enum class compression : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4, automatic = 8 };

// Those of Kafka: without automatic.
inline constexpr std::array all_compressions{compression::none, compression::gzip, compression::snappy,
                                             compression::lz4, compression::zstd};

// As compression.type spells it.
constexpr std::string_view compression_name(compression id) noexcept
{
    constexpr std::array<std::string_view, 5> names{"none", "gzip", "snappy", "lz4", "zstd"};
    if (id == compression::automatic) return "auto";
    const auto at = static_cast<std::size_t>(id);
    return at < names.size() ? names[at] : "unknown";
}

// Of a name as compression.type has it: "zstd". Nothing if it is none.
constexpr std::optional<compression> compression_from_name(std::string_view name) noexcept
{
    for (const auto id : all_compressions)
        if (name == compression_name(id)) return id;
    if (name == compression_name(compression::automatic)) return compression::automatic;
    return std::nullopt;
}

// A codec and how hard it tries.
struct codec_choice
{
    compression id = compression::none;
    int level = 0;
    friend constexpr bool operator==(codec_choice, codec_choice) noexcept = default;
};

// What a topic's compression comes to, for whoever looks.
struct codec_status
{
    codec_choice choice;       // for the next batch
    double ratio = 1;          // bytes sent / bytes of records, lately
    double ns_per_byte = 0;    // CPU time, of bytes of records; measured with compression.type=auto only
    std::uint64_t changes = 0; // of the choice
    std::uint64_t trials = 0;  // batches that were compressed twice to compare
};

// Levels of a codec. The preset may lie outside min..max, as gzip's -1 ("as the library likes") does.
struct level_range
{
    int min = 0;
    int max = 0;
    int preset = 0;

    // Is it a level that the codec has?
    constexpr bool contains(int level) const noexcept
    {
        return level == preset || (level >= min && level <= max);
    }
    friend constexpr bool operator==(level_range, level_range) noexcept = default;
};

// Kafka's ranges and defaults of compression.{gzip,lz4,zstd}.level (KIP-390), known without the codec, so that
// a configuration can be checked before anything is compiled in. snappy and none have no levels.
constexpr level_range kafka_levels(compression id) noexcept
{
    switch (id) {
    case compression::gzip:
        return {1, 9, -1};
    case compression::lz4:
        return {1, 17, 9};
    case compression::zstd:
        return {-131072, 22, 3};
    case compression::none:
    case compression::snappy:
    case compression::automatic:
        break;
    }
    return {};
}

enum class compression_error {
    none = 0,
    output_full,     // the compressed data doesn't fit into the given buffer
    output_limit,    // decompressing would produce more than the caller allows
    corrupt,         // not data of this codec, or damaged
    truncated,       // ends too early
    input_too_large, // larger than a Kafka batch can be (2^31 - 1)
    invalid_level,   // outside of the codec's levels
    out_of_memory,
    not_compiled_in, // no such codec in the list
    failed,          // the library refused, for a reason that is none of the above
};

// In words, for a message.
constexpr std::string_view describe(compression_error error) noexcept
{
    switch (error) {
    case compression_error::none:
        return "success";
    case compression_error::output_full:
        return "compressed data does not fit into the output buffer";
    case compression_error::output_limit:
        return "decompressed data exceeds the limit";
    case compression_error::corrupt:
        return "compressed data is corrupt";
    case compression_error::truncated:
        return "compressed data is truncated";
    case compression_error::input_too_large:
        return "input is too large to compress";
    case compression_error::invalid_level:
        return "compression level is out of range";
    case compression_error::out_of_memory:
        return "out of memory in a compression codec";
    case compression_error::not_compiled_in:
        return "compression codec is not compiled in";
    case compression_error::failed:
        break;
    }
    return "compression codec failed";
}

// The category of compression_error.
class compression_category_type final : public boost::system::error_category
{
public:
    const char* name() const noexcept override { return "kurier.compression"; }
    std::string message(int value) const override
    {
        return std::string{describe(static_cast<compression_error>(value))};
    }
};

// Of compression_error, as an error_code.
inline const boost::system::error_category& compression_category() noexcept
{
    static const compression_category_type category;
    return category;
}

// In the category above.
inline boost::system::error_code make_error_code(compression_error error) noexcept
{
    return {static_cast<int>(error), compression_category()};
}

} // namespace kurier::inline KURIER_ABI

template <> struct boost::system::is_error_code_enum<kurier::compression_error> : std::true_type
{};

namespace kurier::inline KURIER_ABI {

// How many bytes were written, or why not. Not fitting (output_full) is an everyday answer: a batch that
// doesn't shrink is sent as it is.
struct codec_result
{
    std::size_t size = 0;
    compression_error error = compression_error::none;

    constexpr explicit operator bool() const noexcept { return error == compression_error::none; }
};

// A batch's size is an int32 in the protocol. Codecs whose libraries count in int refuse more than this.
inline constexpr std::size_t max_codec_input = std::numeric_limits<std::int32_t>::max();

// Compresses one whole batch body at a time. The context behind it is made at the first call and then reused,
// so a warm codec doesn't allocate.
//   id                    what goes into the attributes
//   levels                as level_range; `compress` gets only levels that it contains
//   bound(n)              room that always suffices for n bytes of input
//   compress(in, out, l)  size written into `out`; output_full if it doesn't fit, whatever the size of `out`
//   decompressor          the type that reads it back
template <class Codec>
concept compression_codec =
    std::default_initializable<Codec> && std::movable<Codec> &&
    requires(Codec& codec, bytes_view in, std::span<std::byte> out, std::size_t size, int level) {
        { Codec::id } -> std::convertible_to<compression>;
        { Codec::levels } -> std::convertible_to<level_range>;
        { Codec::bound(size) } noexcept -> std::same_as<std::size_t>;
        { codec.compress(in, out, level) } noexcept -> std::same_as<codec_result>;
        typename Codec::decompressor;
    };

// Replaces the content of `out` with the decompressed `in`, at most `max_output` bytes. What the data says of
// its own size is never believed: memory grows with what was really produced, and data that would produce more
// than the limit is refused. On failure `out` is empty.
template <class Decompressor>
concept decompressor =
    std::default_initializable<Decompressor> && std::movable<Decompressor> &&
    requires(Decompressor& d, bytes_view in, std::size_t max_output, std::vector<std::byte>& out) {
        { Decompressor::id } -> std::convertible_to<compression>;
        { d.decompress(in, max_output, out) } noexcept -> std::same_as<compression_error>;
    };

// Where a codec comes from, for messages about one that is missing.
struct codec_source
{
    std::string_view header;
    std::string_view type_name;
};

// Of one of kurier's codecs.
constexpr codec_source codec_source_of(compression id) noexcept
{
    switch (id) {
    case compression::gzip:
        return {"kurier/compression/gzip.hpp", "kurier::gzip_codec"};
    case compression::snappy:
        return {"kurier/compression/snappy.hpp", "kurier::snappy_codec"};
    case compression::lz4:
        return {"kurier/compression/lz4.hpp", "kurier::lz4_codec"};
    case compression::zstd:
        return {"kurier/compression/zstd.hpp", "kurier::zstd_codec"};
    case compression::none:
    case compression::automatic:
        break;
    }
    return {};
}

// "compression.type=zstd: include <kurier/compression/zstd.hpp> and add kurier::zstd_codec to the producer's
// codecs"
inline std::string codec_missing_message(compression id, std::string_view property = "compression.type")
{
    const auto source = codec_source_of(id);
    std::string text{property};
    text.append("=").append(compression_name(id));
    if (id == compression::automatic)
        return text.append(": give the producer codecs to choose from, kurier::codecs<kurier::lz4_codec, "
                           "kurier::zstd_codec>, each from its header in kurier/compression/");
    text.append(": include <").append(source.header).append("> and add ").append(source.type_name);
    return text.append(" to the producer's codecs");
}

// zstd came with Kafka 2.1 (KIP-110): Produce v7.
constexpr std::int16_t min_produce_version(compression id) noexcept
{
    return id == compression::zstd ? 7 : 3;
}

// "compression.type=zstd: broker 2 (kafka-2:9092) takes Produce requests up to version 5, zstd needs version 7
// (Kafka 2.1)"
inline std::string broker_too_old_message(compression id, std::string_view broker,
                                          std::int16_t max_produce_version)
{
    std::string text{"compression.type="};
    text.append(compression_name(id)).append(": broker ").append(broker);
    text.append(" takes Produce requests up to version ").append(std::to_string(max_produce_version));
    text.append(", ").append(compression_name(id)).append(" needs version ");
    text.append(std::to_string(min_produce_version(id)));
    return text.append(id == compression::zstd ? " (Kafka 2.1)" : " (Kafka 0.11)");
}

namespace detail {

template <class... Codecs> consteval bool ids_are_distinct_and_real()
{
    constexpr std::size_t count = sizeof...(Codecs);
    const std::array<compression, count> ids{static_cast<compression>(Codecs::id)...};
    for (std::size_t i = 0; i < count; ++i) {
        if (ids[i] == compression::none || static_cast<int>(ids[i]) > 4) return false;
        for (std::size_t j = i + 1; j < count; ++j)
            if (ids[i] == ids[j]) return false;
    }
    return true;
}

} // namespace detail

// The codecs of a producer: `kurier::codecs<kurier::zstd_codec, kurier::lz4_codec>`. One context of each,
// made when first used. Ids come from a configuration or from the wire, so looking one up happens at run time;
// one that isn't in the list answers not_compiled_in.
template <compression_codec... Codecs> class codecs
{
    static_assert(detail::ids_are_distinct_and_real<Codecs...>(),
                  "each codec of a list needs its own id, and none isn't a codec");
    static_assert((decompressor<typename Codecs::decompressor> && ...));

public:
    static constexpr bool contains([[maybe_unused]] compression id) noexcept
    {
        return ((id == Codecs::id) || ...);
    }

    static constexpr level_range levels([[maybe_unused]] compression id) noexcept
    {
        level_range range{};
        (void)((id == Codecs::id && (range = Codecs::levels, true)) || ...);
        return range;
    }

    // Room that suffices for `size` bytes with this codec; 0 if it isn't in the list.
    static constexpr std::size_t bound([[maybe_unused]] compression id,
                                       [[maybe_unused]] std::size_t size) noexcept
    {
        std::size_t room = 0;
        (void)((id == Codecs::id && (room = Codecs::bound(size), true)) || ...);
        return room;
    }

    // The empty string, or what is wrong with asking for this codec.
    static std::string check(compression id, std::string_view property = "compression.type")
    {
        const bool fine = id == compression::none || contains(id) ||
                          (id == compression::automatic && sizeof...(Codecs) > 0);
        return fine ? std::string{} : codec_missing_message(id, property);
    }

    codec_result compress([[maybe_unused]] compression id, [[maybe_unused]] bytes_view in,
                          [[maybe_unused]] std::span<std::byte> out, [[maybe_unused]] int level) noexcept
    {
        codec_result result{0, compression_error::not_compiled_in};
        (void)((id == Codecs::id && (result = run(std::get<Codecs>(codecs_), in, out, level), true)) || ...);
        return result;
    }

    // `id` none copies, within the limit, so that a reader needs no case of its own for it.
    compression_error decompress(compression id, bytes_view in, std::size_t max_output,
                                 std::vector<std::byte>& out) noexcept
    {
        auto error = compression_error::not_compiled_in;
        if (id == compression::none) return copy(in, max_output, out);
        if (!((id == Codecs::id &&
               (error =
                    std::get<typename Codecs::decompressor>(decompressors_).decompress(in, max_output, out),
                true)) ||
              ...))
            out.clear();
        return error;
    }

private:
    template <class Codec>
    static codec_result run(Codec& codec, bytes_view in, std::span<std::byte> out, int level) noexcept
    {
        if (!static_cast<level_range>(Codec::levels).contains(level))
            return {0, compression_error::invalid_level};
        return codec.compress(in, out, level);
    }

    static compression_error copy(bytes_view in, std::size_t max_output, std::vector<std::byte>& out) noexcept
    {
        out.clear();
        if (in.size() > max_output) return compression_error::output_limit;
        try {
            out.assign(in.begin(), in.end());
        } catch (const std::bad_alloc&) {
            return compression_error::out_of_memory;
        }
        return compression_error::none;
    }

    std::tuple<Codecs...> codecs_;
    std::tuple<typename Codecs::decompressor...> decompressors_;
};

// A codec list without its type, for code that is compiled once for all lists. Refers to the list.
class codecs_ref
{
public:
    template <compression_codec... Codecs> explicit(false) codecs_ref(codecs<Codecs...>& list) noexcept
        : list_{&list}, contains_{&codecs<Codecs...>::contains}, bound_{&codecs<Codecs...>::bound},
          levels_{&codecs<Codecs...>::levels}, compress_{[](void* self, compression id, bytes_view in,
                                                            std::span<std::byte> out, int level) noexcept {
              return static_cast<codecs<Codecs...>*>(self)->compress(id, in, out, level);
          }},
          decompress_{[](void* self, compression id, bytes_view in, std::size_t max_output,
                         std::vector<std::byte>& out) noexcept {
              return static_cast<codecs<Codecs...>*>(self)->decompress(id, in, max_output, out);
          }}
    {}

    bool contains(compression id) const noexcept { return contains_(id); }
    level_range levels(compression id) const noexcept { return levels_(id); }
    std::size_t bound(compression id, std::size_t size) const noexcept { return bound_(id, size); }
    codec_result compress(compression id, bytes_view in, std::span<std::byte> out, int level) const noexcept
    {
        return compress_(list_, id, in, out, level);
    }
    compression_error decompress(compression id, bytes_view in, std::size_t max_output,
                                 std::vector<std::byte>& out) const noexcept
    {
        return decompress_(list_, id, in, max_output, out);
    }

    // As batch_reader asks for it: the id straight from the attributes, true on success.
    bool operator()(int id, bytes_view in, std::size_t max_output, std::vector<std::byte>& out) const noexcept
    {
        return decompress(static_cast<compression>(id), in, max_output, out) == compression_error::none;
    }

private:
    void* list_;
    bool (*contains_)(compression) noexcept;
    std::size_t (*bound_)(compression, std::size_t) noexcept;
    level_range (*levels_)(compression) noexcept;
    codec_result (*compress_)(void*, compression, bytes_view, std::span<std::byte>, int) noexcept;
    compression_error (*decompress_)(void*, compression, bytes_view, std::size_t,
                                     std::vector<std::byte>&) noexcept;
};

} // namespace kurier::inline KURIER_ABI
