// expect: kurier: the serializer's serialize must be callable as: error_code serialize\(const T&, byte_writer&\) const
#include <kurier/serializer.hpp>

struct order
{
    int amount;
};
struct address
{
    int number;
};
struct address_serializer
{
    void serialize(const address&, kurier::byte_writer&) const {}
};
static_assert(kurier::check_serializer<address_serializer, order>());
