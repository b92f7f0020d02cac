// expect: (could not convert|no viable conversion|cannot convert|no matching)
#include <kurier/record/record.hpp>

struct order
{
    int amount;
};

kurier::record<std::string, order> wrong()
{
    return {.topic = "t", .value = "not an order"};
}
