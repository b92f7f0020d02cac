// Observers with one hook each, and one with all
#include <kurier/observer.hpp>

struct of_records
{
    void on_record(const kurier::record_event&) noexcept {}
};
struct of_batches
{
    void on_batch(const kurier::batch_event&) const noexcept {}
};
struct of_brokers
{
    static void on_broker(const kurier::broker_event&) noexcept {}
};
struct of_all : of_records, of_batches, of_brokers
{};

static_assert(kurier::observer<of_records> && kurier::observer<of_batches> && kurier::observer<of_brokers>);
static_assert(kurier::observer<of_all> && !kurier::observer<kurier::no_observer>);
static_assert(kurier::check_observer<kurier::no_observer>());
static_assert(kurier::check_observer<of_records>());
static_assert(kurier::check_observer<of_all>());
