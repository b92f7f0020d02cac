// expect: kurier: the serializer's view must be callable as: nullable_bytes view\(const T&\) const noexcept
#include <kurier/serializer.hpp>

struct order
{
    int amount;
};
struct order_serializer
{
    kurier::nullable_bytes view(const order&) const { return {}; }
};
static_assert(kurier::check_serializer<order_serializer, order>());
