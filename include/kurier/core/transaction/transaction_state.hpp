// Where a transactional producer stands, what its application asks of it, and how that ends.
//
//     uninitialized -> initializing -> ready -> in_transaction -> committing -> ready | initializing
//     in_transaction | committing -> abortable_error -> aborting -> ready | initializing
//     committing -> outcome_unknown -> committing | initializing
//     any -> fatal_error -> initializing
//
// A state only worsens until the application does something about it: no late response turns a fatal error into an
// abortable one (KAFKA-14831).
#pragma once

#include <kurier/error.hpp>

#include <cstdint>
#include <string_view>

namespace kurier::inline KURIER_ABI::core {

enum class txn_state : std::uint8_t {
    uninitialized, // no producer id: the first begin asks for one
    initializing,  // asks for one, or for the next epoch
    ready,
    in_transaction,
    committing,
    aborting,
    abortable_error, // something is missing in the transaction, so it can only be aborted
    outcome_unknown, // EndTxn was sent and not answered in time: only the same call again can tell
    fatal_error,     // fenced, not authorized, not supported: only init goes on from here
};

constexpr bool may_become(txn_state from, txn_state to) noexcept
{
    using enum txn_state;
    if (to == fatal_error) return true;
    switch (from) {
    case uninitialized:
    case fatal_error:
        return to == initializing;
    case initializing:
        return to == ready || to == uninitialized;
    case ready:
        return to == in_transaction || to == initializing;
    case in_transaction:
        return to == committing || to == aborting || to == abortable_error;
    case committing: // back into the transaction: nothing was asked of the coordinator in time
        return to == ready || to == initializing || to == uninitialized || to == in_transaction ||
               to == abortable_error || to == outcome_unknown;
    case aborting:
        return to == ready || to == initializing || to == uninitialized || to == abortable_error;
    case abortable_error:
        return to == aborting || to == initializing;
    case outcome_unknown:
        return to == committing || to == initializing;
    }
    return false;
}

enum class txn_call : std::uint8_t { none, init, begin, send_offsets, commit, abort };

enum class txn_outcome : std::uint8_t {
    done,
    failed,
    unknown, // of a commit: it may have happened
};

struct txn_completion
{
    txn_call call = txn_call::none;
    txn_outcome outcome = txn_outcome::done;
    error_code error;
    std::uint64_t ticket = 0; // of send_offsets
};

// A call that makes no sense now. Nothing has happened.
enum class txn_misuse : std::uint8_t {
    none,
    busy,
    not_begun,
    begun_already,
    must_abort,
    must_commit_again,
    must_init,
};

constexpr std::string_view text_of(txn_misuse misuse) noexcept
{
    switch (misuse) {
    case txn_misuse::none:
        return "";
    case txn_misuse::busy:
        return "another call about this transaction has not ended yet";
    case txn_misuse::not_begun:
        return "there is no transaction: begin one";
    case txn_misuse::begun_already:
        return "there is a transaction already: commit or abort it first";
    case txn_misuse::must_abort:
        return "something in this transaction has failed, so it can only be aborted";
    case txn_misuse::must_commit_again:
        return "nobody knows whether the last commit has happened: commit again to find out, or init to "
               "leave it open";
    case txn_misuse::must_init:
        return "this producer was ended by an error: init makes it a new one";
    }
    return "";
}

} // namespace kurier::inline KURIER_ABI::core
