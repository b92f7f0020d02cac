// expect: has write but no size: std::size_t size\(const T&\) const
#include <kurier/serializer.hpp>

struct order
{
    int amount;
};

struct half
{
    void write(const order&, std::byte*) const {}
};

static_assert(kurier::check_serializer<half, order>());
