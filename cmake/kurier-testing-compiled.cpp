// The bodies that <kurier/testing/embedded_broker.hpp> leaves out with KURIER_SEPARATE_TESTING
#include <kurier/testing/src.hpp>
