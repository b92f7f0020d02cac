// How a shop::money becomes bytes: 8 for the amount, then the currency.
#pragma once

#include <kurier/serializer.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace shop {

struct money
{
    std::int64_t cents = 0;
    std::string currency;
};

} // namespace shop

template <> struct kurier::serializer<shop::money>
{
    kurier::error_code serialize(const shop::money& m, kurier::byte_writer& out,
                                 const kurier::serialize_context& context) const
    {
        if (m.currency.size() != 3) return kurier::errc::serialization_failed; // the delivery fails with it
        context.headers.add("content-type", "application/x-money");
        out.put_int(m.cents);
        out.put(m.currency);
        return {};
    }
};
static_assert(kurier::check_serializer<kurier::serializer<shop::money>, shop::money>());
