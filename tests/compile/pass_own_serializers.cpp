// The three forms of a serializer, as a specialisation and as a class
#include <kurier/serializer.hpp>

#include <cstring>
#include <string>

struct order
{
    std::string id;
    int amount = 0;
};

template <> struct kurier::serializer<order>
{
    std::size_t size(const order& o) const { return o.id.size(); }
    void write(const order& o, std::byte* at) const { std::memcpy(at, o.id.data(), o.id.size()); }
    bool is_null(const order& o) const { return o.id.empty(); }
};

struct by_view
{
    kurier::nullable_bytes view(const order& o) const noexcept { return std::string_view{o.id}; }
};

class general
{
public:
    void serialize(const order& o, kurier::byte_writer& out, const kurier::serialize_context& context)
    {
        out.put(kurier::as_bytes(o.id));
        context.headers.add("number", kurier::as_bytes(std::to_string(++calls_)));
    }

private:
    int calls_ = 0;
};

static_assert(kurier::check_serializer<kurier::serializer<order>, order>());
static_assert(kurier::check_serializer<by_view, order>());
static_assert(kurier::check_serializer<general, order>());
static_assert(kurier::sized_serializer_for<kurier::serializer<order>, order>);
static_assert(kurier::view_serializer_for<by_view, order>);
static_assert(kurier::general_serializer_for<general, order>);
