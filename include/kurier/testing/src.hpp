// The bodies of the embedded broker, for one source file of a program that is compiled with KURIER_SEPARATE_TESTING.
#pragma once

#include <kurier/testing/impl/embedded_broker.ipp>
