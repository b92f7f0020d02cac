// The driver (driver_base.hpp), with its bodies unless they are compiled in <kurier/src.hpp>.
#pragma once

#include <kurier/config.hpp>
#include <kurier/io/driver_base.hpp>

#if !defined(KURIER_SEPARATE_COMPILATION)
#include <kurier/io/impl/driver.ipp>
#endif
