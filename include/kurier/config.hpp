// Header-only, unless the program defines KURIER_SEPARATE_COMPILATION everywhere and includes <kurier/src.hpp> in exactly
// one of its source files: then what is not a template is compiled there, and <kurier/producer.hpp> costs less than half.
#pragma once

#include <boost/version.hpp>

#if __cplusplus < 202002L && (!defined(_MSVC_LANG) || _MSVC_LANG < 202002L)
#error "kurier needs C++20: -std=c++20"
#endif
#if BOOST_VERSION < 108100
#error "kurier needs the headers of Boost 1.81 or newer"
#endif

// Everything is in an inline namespace of this name, which users don't write. So programs may have parts that use different
// versions, and an object that is handed from one to the other is an error when they are linked.
#define KURIER_ABI v0_1

#if defined(KURIER_SEPARATE_COMPILATION)
#define KURIER_DECL
#else
#define KURIER_DECL inline
#endif

// The same for the embedded broker: KURIER_SEPARATE_TESTING and <kurier/testing/src.hpp>.
#if defined(KURIER_SEPARATE_TESTING)
#define KURIER_TESTING_ABI compiled
#define KURIER_TESTING_DECL
#else
#define KURIER_TESTING_ABI header_only
#define KURIER_TESTING_DECL inline
#endif
