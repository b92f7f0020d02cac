// All APIs that brokers of the model answer.
#pragma once

#include <kurier/testing/apis/api_versions.hpp>
#include <kurier/testing/apis/init_producer_id.hpp>
#include <kurier/testing/apis/metadata.hpp>
#include <kurier/testing/apis/produce.hpp>
#include <kurier/testing/apis/sasl_authenticate.hpp>
#include <kurier/testing/apis/sasl_handshake.hpp>

namespace kurier::inline KURIER_ABI::testing {

// What they are asked. kurier speaks more: the messages of transactions have no coordinator here yet.
using answered_requests =
    protocol::type_list<protocol::api_versions_request, protocol::metadata_request,
                        protocol::init_producer_id_request, protocol::produce_request,
                        protocol::sasl_handshake_request, protocol::sasl_authenticate_request>;

} // namespace kurier::inline KURIER_ABI::testing
