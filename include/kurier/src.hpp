// The bodies of everything that is not a template, for one source file of a program that is compiled with
// KURIER_SEPARATE_COMPILATION.
#pragma once

#if !defined(KURIER_SEPARATE_COMPILATION)
#error "define KURIER_SEPARATE_COMPILATION for the whole program, or do not include <kurier/src.hpp>"
#endif

#include <kurier/io/impl/driver.ipp>
