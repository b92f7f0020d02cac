// The bodies of everything that is not a template, for one source file of a program that is compiled with
// KURIER_SEPARATE_COMPILATION.
#pragma once

#include <kurier/io/impl/driver.ipp>
