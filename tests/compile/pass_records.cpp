// The forms a record may be written in
#include <kurier/record/record.hpp>

#include <array>

struct order
{
    std::string id;
};

using named = kurier::record<std::string, order>;
using numbers = kurier::record<std::int32_t, double>;
using texts = kurier::record<std::string_view, std::string>;

void take(named);
void take(numbers);
void take(texts);

void all_forms(const order& o, std::optional<std::string> maybe, const char* text)
{
    take(named{.topic = "t", .key = o.id, .value = o});
    take(named{.topic = "t", .value = o, .partition = 3});
    take(named{.topic = "t", .key = "k"}); // a tombstone
    take(numbers{.topic = "t", .key = 7, .value = 1.5});
    take(texts{.topic = "t", .key = nullptr, .value = "v"});
    take(texts{.topic = "t", .key = maybe, .value = text});
    const std::array<kurier::header_view, 2> headers{{{"a", "1"}, {"a", nullptr}}};
    take(texts{.topic = "t", .value = "v", .headers = headers, .time = kurier::timestamp{}});
}
