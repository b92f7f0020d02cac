// All APIs that brokers of the model answer.
#pragma once

#include <kurier/testing/apis/add_offsets_to_txn.hpp>
#include <kurier/testing/apis/add_partitions_to_txn.hpp>
#include <kurier/testing/apis/api_versions.hpp>
#include <kurier/testing/apis/end_txn.hpp>
#include <kurier/testing/apis/find_coordinator.hpp>
#include <kurier/testing/apis/init_producer_id.hpp>
#include <kurier/testing/apis/metadata.hpp>
#include <kurier/testing/apis/produce.hpp>
#include <kurier/testing/apis/sasl_authenticate.hpp>
#include <kurier/testing/apis/sasl_handshake.hpp>
#include <kurier/testing/apis/txn_offset_commit.hpp>
