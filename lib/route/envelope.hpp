#pragma once

#include "lib/core/clock.hpp"
#include "lib/mail/block.hpp"
#include "lib/route/router.hpp"

#include <string>
#include <vector>

namespace mgw::route
{

/// What was done to an envelope.
struct Rerouted {
    std::size_t routed = 0;    ///< recipients that were looked at
    std::size_t skipped = 0;   ///< recipients whose verdict was not accept
    std::size_t refused = 0;   ///< recipients, or what became of them, that got a verdict
    std::string srs_sender;    ///< the sender that was put in place of a foreign one; empty for none
    std::string sender_before; ///< the foreign one
    std::vector<std::string> steps;
};

/// Routes every final recipient whose verdict is accept: appends the recipients that aliases make of it (2.1, 2.2) with
/// its parameters and an ORCPT (RFC 3461 section 5.2.7), verdicts on those that go nowhere, and the next hops. With
/// SRS, the sender of a message of which a copy leaves a local domain is rewritten, for all of its recipients: an
/// envelope has one sender.
Rerouted reroute(mail::Block& block, const Router& router, Time now);

/// The parameters of a recipient made of `parent`: as they stood, and ORCPT with the parent's address where there was
/// none.
std::string child_parameters(const mail::Recipient& parent);

} // namespace mgw::route
