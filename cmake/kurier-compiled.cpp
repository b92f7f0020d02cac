// The bodies that <kurier/producer.hpp> leaves out with KURIER_SEPARATE_COMPILATION
#include <kurier/src.hpp>
