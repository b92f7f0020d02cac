// All messages that kurier speaks.
#pragma once

#include <kurier/protocol/messages/api_versions.hpp>
#include <kurier/protocol/messages/init_producer_id.hpp>
#include <kurier/protocol/messages/metadata.hpp>
#include <kurier/protocol/messages/produce.hpp>

namespace kurier::protocol {

template <class... Message> struct type_list
{};

using requests = type_list<api_versions_request, metadata_request, init_producer_id_request, produce_request>;
using responses =
    type_list<api_versions_response, metadata_response, init_producer_id_response, produce_response>;

} // namespace kurier::protocol
