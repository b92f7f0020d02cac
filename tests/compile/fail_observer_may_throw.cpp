// expect: kurier: the observer's on_batch must be callable as: void on_batch\(const batch_event&\) noexcept
#include <kurier/observer.hpp>

struct watcher
{
    void on_record(const kurier::record_event&) noexcept {}
    void on_batch(const kurier::batch_event&) {}
};
static_assert(kurier::check_observer<watcher>());
