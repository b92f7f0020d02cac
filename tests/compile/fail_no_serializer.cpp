// expect: kurier: no serializer for this type: specialise kurier::serializer<T>
#include <kurier/serializer.hpp>

struct order
{
    int amount;
};
static_assert(kurier::check_serializer<kurier::serializer<order>, order>());
