// expect: constraints not satisfied|no matching member function|because 'not_one' does not satisfy
#include <kurier/engine.hpp>

struct not_one
{
    void on_batches(const kurier::batch_event&) noexcept {}
};

void watch(kurier::engine& engine)
{
    engine.observe(not_one{});
}
