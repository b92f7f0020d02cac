// The value of a record of many megabytes, with whoever keeps its bytes alive. It goes to the socket from where it lies,
// for producer::send_large:
//
//     producer.send_large({.topic = "images", .key = name}, kurier::large_value{std::move(image)});
//
// Three ways to say how long the bytes live; none copies them, and none leaves it open:
//   moved in      a std::vector<std::byte> or std::string, or anything else that has contiguous bytes
//   shared        a std::shared_ptr, and the bytes that live as long as it does
//   borrowed      a view, and a function that is called when nothing refers to the bytes any more
//
// That is after the delivery has completed, or later: a request that was given up may still lie with the socket. The
// bytes must not change until then. Cancelling or dropping a delivery changes nothing of it, unless the record was taken
// back (errc::withdrawn); then it is at once. Owners are destroyed, and the function is called, on the producer's strand
// from inside the library: they must not throw or use the producer.
#pragma once

#include <kurier/bytes.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>

namespace kurier::inline KURIER_ABI {

class large_value
{
public:
    template <std::ranges::contiguous_range Container>
        requires(!std::is_lvalue_reference_v<Container> && !std::ranges::borrowed_range<Container> &&
                 sizeof(std::ranges::range_value_t<Container>) == 1)
    explicit large_value(Container&& moved_in)
    {
        auto kept = std::make_shared<Container>(std::forward<Container>(moved_in));
        bytes_ = std::as_bytes(std::span{std::ranges::data(*kept), std::ranges::size(*kept)});
        owner_ = std::move(kept);
    }

    template <class T> large_value(std::shared_ptr<T> owner, bytes_view bytes)
        : bytes_{bytes}, owner_{std::move(owner)}
    {}

    template <std::invocable Released> static large_value borrowed(bytes_view bytes, Released released)
    {
        auto end = [released = std::move(released)](const std::byte*) mutable { released(); };
        return {std::shared_ptr<const std::byte>{bytes.data(), std::move(end)}, bytes};
    }

    bytes_view bytes() const noexcept { return bytes_; }
    std::shared_ptr<const void> owner() && noexcept { return std::move(owner_); }

private:
    bytes_view bytes_;
    std::shared_ptr<const void> owner_;
};

} // namespace kurier::inline KURIER_ABI
