// All messages that kurier speaks.
#pragma once

#include <kurier/protocol/messages/add_offsets_to_txn.hpp>
#include <kurier/protocol/messages/add_partitions_to_txn.hpp>
#include <kurier/protocol/messages/api_versions.hpp>
#include <kurier/protocol/messages/end_txn.hpp>
#include <kurier/protocol/messages/find_coordinator.hpp>
#include <kurier/protocol/messages/init_producer_id.hpp>
#include <kurier/protocol/messages/metadata.hpp>
#include <kurier/protocol/messages/produce.hpp>
#include <kurier/protocol/messages/sasl_authenticate.hpp>
#include <kurier/protocol/messages/sasl_handshake.hpp>
#include <kurier/protocol/messages/txn_offset_commit.hpp>

namespace kurier::inline KURIER_ABI::protocol {

template <class... Message> struct type_list
{};

using requests = type_list<api_versions_request, metadata_request, init_producer_id_request, produce_request,
                           sasl_handshake_request, sasl_authenticate_request, find_coordinator_request,
                           add_partitions_to_txn_request, add_offsets_to_txn_request,
                           txn_offset_commit_request, end_txn_request>;
using responses = type_list<api_versions_response, metadata_response, init_producer_id_response,
                            produce_response, sasl_handshake_response, sasl_authenticate_response,
                            find_coordinator_response, add_partitions_to_txn_response,
                            add_offsets_to_txn_response, txn_offset_commit_response, end_txn_response>;

} // namespace kurier::inline KURIER_ABI::protocol
