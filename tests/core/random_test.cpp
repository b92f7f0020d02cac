// Anything in any order: the invariants hold after each step (the script checks them), every record is told its fate
// exactly once, and when the trouble is over nothing is held.
#include "../support/random_trouble.hpp"

namespace kurier::core::script {

TEST_CASE("random trouble")
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        random_trouble one{seed};
        one.run(300);
    }
}

} // namespace kurier::core::script
