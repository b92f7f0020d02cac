// expect: a serializer must be movable
#include <kurier/serializer.hpp>

struct order
{
    int amount;
};

struct pinned
{
    pinned() = default;
    pinned(pinned&&) = delete;
    void serialize(const order&, kurier::byte_writer&) const {}
};

static_assert(kurier::check_serializer<pinned, order>());
