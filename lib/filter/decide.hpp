#pragma once

#include "lib/core/result.hpp"
#include "lib/filter/evaluator.hpp"
#include "lib/mail/block.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::filter
{

/// What a policy said about one message.
struct Decision {
    std::vector<std::string> lines; ///< "policy.sieve:12", each line that decided, once
    std::vector<std::string> trace; ///< for --explain
    std::uint64_t steps = 0;
};

/// Evaluates the policy for every recipient of `block`, once for all where no test looks at the recipient, and writes
/// what it decided into `block`: verdicts (one line for all recipients that share it, "*" for all), marks for folders,
/// and redirects as recipients made of the one they replace (2.1; with `keep` or `:copy` the old address goes on
/// as 2.2). Nothing is written when any evaluation fails. A message without recipients is judged as a whole; to
/// redirect it is an error.
Result<Decision> decide(const Program& program, std::string_view message, mail::Block& block, const Limits& limits,
                        const RunLimits& run_limits, bool explain);

} // namespace mgw::filter
