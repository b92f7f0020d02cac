// Told what a response has changed in the view of the cluster.
#pragma once

#include <kurier/core/state/topic.hpp>
#include <kurier/error.hpp>
#include <kurier/instant.hpp>

namespace kurier::inline KURIER_ABI::core {

class topology_listener
{
public:
    virtual void on_leader_changed(partition_state& partition, broker_node* old) = 0;
    virtual void on_partitions_listed(topic_state&) {}        // there are more or fewer than were known
    virtual void on_topic_made_again(topic_state& topic) = 0; // with another id; some partitions may be gone
    virtual void on_address_changed(broker_node& node) = 0;   // its connection leads to the old one
    virtual void on_leaders_moved() = 0;                      // after the hints of a response (KIP-951)
    virtual void on_topic_refreshed(topic_state& topic) = 0;  // by metadata; its leaders may be others
    virtual void on_topic_failed(topic_state& topic,
                                 error_code why) = 0; // it will not come into being by waiting
    virtual void
    on_topics_refreshed(instant now) = 0; // after all of a metadata response that changed something

protected:
    ~topology_listener() = default;
};

} // namespace kurier::inline KURIER_ABI::core
