// All messages that kurier speaks.
#pragma once

#include <kurier/protocol/messages/api_versions.hpp>
#include <kurier/protocol/messages/init_producer_id.hpp>
#include <kurier/protocol/messages/metadata.hpp>
#include <kurier/protocol/messages/produce.hpp>
#include <kurier/protocol/messages/sasl_authenticate.hpp>
#include <kurier/protocol/messages/sasl_handshake.hpp>

namespace kurier::inline KURIER_ABI::protocol {

template <class... Message> struct type_list
{};

using requests = type_list<api_versions_request, metadata_request, init_producer_id_request, produce_request,
                           sasl_handshake_request, sasl_authenticate_request>;
using responses = type_list<api_versions_response, metadata_response, init_producer_id_response,
                            produce_response, sasl_handshake_response, sasl_authenticate_response>;

} // namespace kurier::inline KURIER_ABI::protocol
