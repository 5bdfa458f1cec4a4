#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/random.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/frame.hpp"
#include "lib/queue/entry.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::queue
{

struct DsnOptions {
    std::string host; ///< of Reporting-MTA and of the From address
    std::string hop;  ///< next hop of notices, as in Mgw-Hop; empty leaves it to mgw-send
};

/// The notice that some recipients failed (RFC 3464): multipart/report from the null sender to the sender of `block`,
/// with the header of the original. `failed` names recipients by their number in `block`. Nothing where none is wanted:
/// the sender is the null path (RFC 5321 section 6.1), or NOTIFY of every failed recipient excludes FAILURE (RFC 3461
/// section 4.1).
Result<std::optional<Stored>> bounce(const mail::Block& block, std::string_view message,
                                     const std::vector<mail::Answer>& failed, Time arrived, const DsnOptions& options,
                                     Time now, Random& random);

} // namespace mgw::queue
