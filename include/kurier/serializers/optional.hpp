// An optional without a value is null; with one it is what T's serializer makes of it.
#pragma once

#include <kurier/serializer.hpp>

#include <optional>

namespace kurier::inline KURIER_ABI {

template <class T>
    requires serializer_for<serializer<T>, T>
struct serializer<std::optional<T>>
{
    using argument_type = arg<std::optional<T>>;

    nullable_bytes view(const argument_type& value) noexcept
        requires view_serializer_for<serializer<T>, T>
    {
        return value ? inner.view(*value) : nullable_bytes{};
    }

    bool is_null(const argument_type& value)
    {
        if (!value) return true;
        if constexpr (detail::tests_for_null<serializer<T>, T>) return inner.is_null(*value);
        return false;
    }

    std::size_t size(const argument_type& value)
        requires sized_serializer_for<serializer<T>, T>
    {
        return inner.size(*value);
    }
    void write(const argument_type& value, std::byte* at)
        requires sized_serializer_for<serializer<T>, T>
    {
        inner.write(*value, at);
    }

    boost::system::error_code serialize(const argument_type& value, byte_writer& out,
                                        const serialize_context& context)
        requires general_serializer_for<serializer<T>, T>
    {
        return detail::call_serialize<T>(inner, *value, out, context);
    }

    serializer<T> inner{};
};

} // namespace kurier::inline KURIER_ABI
