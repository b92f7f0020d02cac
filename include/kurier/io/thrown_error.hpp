// The current exception as an error code: trouble with a connection costs that connection, and must not escape from the
// event loop.
#pragma once

#include <kurier/error.hpp>

#include <boost/system/system_error.hpp>

#include <new>
#include <system_error>

namespace kurier::inline KURIER_ABI::io {

inline error_code thrown_error() noexcept
{
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
    } catch (const boost::system::system_error& thrown) {
        return thrown.code();
    } catch (const std::system_error& thrown) {
        return thrown.code();
    } catch (...) {
        return errc::disconnected;
    }
}

} // namespace kurier::inline KURIER_ABI::io
