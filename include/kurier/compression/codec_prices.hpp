// What a codec and its level cost, by the prices of a byte sent and of a CPU second.
#pragma once

#include <kurier/compression.hpp>

namespace kurier::inline KURIER_ABI {

// The goal: only the proportion of the two prices matters.
struct codec_prices
{
    double of_byte = 1; // sent
    double of_cpu_second = 0;

    friend constexpr bool operator==(codec_prices, codec_prices) noexcept = default;

    static constexpr codec_prices least_bytes() noexcept { return {1, 0}; }

    // Sending costs CPU too: copying into the kernel, TCP, perhaps TLS.
    static constexpr codec_prices least_cpu(double send_ns_per_byte = 0.3) noexcept
    {
        return {send_ns_per_byte * 1e-9, 1};
    }

    // A link that carries so many bytes in a second, of which each is worth `link_second` CPU seconds.
    static constexpr codec_prices link(double bytes_per_second, double link_second = 1) noexcept
    {
        return {link_second / bytes_per_second, 1};
    }

    constexpr double cost(double ratio, double ns_per_byte) const noexcept
    {
        return of_byte * ratio + of_cpu_second * ns_per_byte * 1e-9;
    }
};

} // namespace kurier::inline KURIER_ABI
