// expect: kurier: a producer's observer needs void on_record\(const record_event&\) noexcept
#include <kurier/observer.hpp>

struct watcher
{
    void on_batch(const kurier::batch_event&) noexcept {}
};
static_assert(kurier::check_observer<watcher>());
