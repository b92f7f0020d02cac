#include <kurier/record/record_metadata.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <type_traits>

using kurier::record_metadata;
using kurier::topic_name;

TEST_CASE("topic_name: copies share the text")
{
    const topic_name topic{"orders"};
    const topic_name copy = topic;
    const std::string_view view = copy;
    CHECK(view == "orders");
    CHECK(view.data() == topic.view().data());
    CHECK(copy == topic);
    CHECK(topic == topic_name{std::string{"orders"}});
    CHECK(topic == topic_name{view});
    CHECK(topic.str() == "orders");
    CHECK(topic == "orders");
    CHECK(topic != "payments");
    CHECK(topic != topic_name{"payments"});
    CHECK(topic_name{}.empty());
    CHECK(topic_name{} == "");
    std::ostringstream out;
    out << topic;
    CHECK(out.str() == "orders");
}

TEST_CASE("record_metadata: no aggregate, and unknown until told")
{
    static_assert(!std::is_aggregate_v<record_metadata>);
    const record_metadata unknown;
    CHECK_FALSE(unknown.has_offset());
    const record_metadata known{topic_name{"t"}, 2, 17, kurier::timestamp{std::chrono::milliseconds{99}}};
    CHECK(known.has_offset());
    CHECK(known.topic == "t");
    CHECK(known.partition == 2);
    CHECK(known.time.time_since_epoch().count() == 99);
}
