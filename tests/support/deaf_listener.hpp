// For tests of the cluster's picture alone: nobody wants to know what has changed in it.
#pragma once

#include <kurier/core/cluster/topology_listener.hpp>

namespace kurier::inline KURIER_ABI::core {

struct deaf_listener final : topology_listener
{
    void on_leader_changed(partition_state&, broker_node*) override {}
    void on_topic_made_again(topic_state&) override {}
    void on_address_changed(broker_node&) override {}
    void on_leaders_moved() override {}
    void on_topic_refreshed(topic_state&) override {}
    void on_topic_failed(topic_state&, error_code) override {}
    void on_topics_refreshed(instant) override {}
};

} // namespace kurier::inline KURIER_ABI::core
