// A record's way through the core when nothing goes wrong.
#include "../support/core_script.hpp"

namespace kurier::core::script {

TEST_CASE("a record is sent and acknowledged")
{
    core_script s;
    auto& told = s.send("t", "hello");
    s.step();
    REQUIRE(s.asked.size() == 1);
    const auto& batch = s.asked[0].only();
    CHECK(batch.topic == "t");
    CHECK(batch.partition == 0);
    CHECK(batch.values == std::vector<std::string>{"hello"});
    CHECK(batch.header.producer_id == 100);
    CHECK(batch.header.producer_epoch == 0);
    CHECK(batch.header.base_sequence == 0);
    CHECK_FALSE(told.done());
    s.answer(reply{.base_offset = 17});
    CHECK(told.ok());
    CHECK(told.times_told == 1);
    CHECK(told.offset == 17);
    CHECK(told.timestamp == 1'000'000);
    CHECK(s.core.idle());
    CHECK(s.core.pool().in_use() == 0);
}

} // namespace kurier::core::script
