// expect: kurier: this is no serializer for the type: it has none of view, size and write, or serialize
#include <kurier/serializer.hpp>

struct order
{
    int amount;
};
struct printer
{
    void print(const order&) const {}
};
static_assert(kurier::check_serializer<printer, order>());
