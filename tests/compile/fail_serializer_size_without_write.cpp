// expect: kurier: the serializer has size but no write: void write\(const T&, std::byte\*\) const
#include <kurier/serializer.hpp>

struct order
{
    int amount;
};
struct order_serializer
{
    std::size_t size(const order&) const { return 4; }
};
static_assert(kurier::check_serializer<order_serializer, order>());
