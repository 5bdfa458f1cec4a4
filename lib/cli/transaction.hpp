#pragma once

#include "lib/cli/stage.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::cli
{

/// What a stage made of one member.
struct MemberResult {
    std::string block; ///< the new block's text
    mail::Edits edits;
    std::string error; ///< why the stage failed, empty when it did not
    std::string hint;  ///< what to do about it; a worker does not tell
};

/// What a stage made of one transaction: splices and block lines, nothing else crosses from a worker.
struct TransactionResult {
    std::vector<MemberResult> members;
    std::vector<mail::Member> created;
    std::string explanation;
    Record record;
    double seconds = 0;
};

/// How a stage is run on one transaction: what its Context is made of.
struct Work {
    Clock clock;
    Random random;
    Limits limits;
    bool dry_run = false;
    bool explaining = false;
};

/// Runs the stage on every member. Never throws; a failure is the member's `error`.
TransactionResult process(Stage& stage, const mail::Frame& frame, const Work& work);

std::string pack(const TransactionResult& result);
/// Status::temp_fail when the octets are not what pack() writes (a worker that lost its mind).
Result<TransactionResult> unpack(std::string_view packed, const Limits& limits);

} // namespace mgw::cli
