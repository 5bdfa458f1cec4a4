#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/result.hpp"
#include "lib/smtp/door_memory.hpp"
#include "lib/smtp/door_plan.hpp"
#include "lib/smtp/door_tables.hpp"

#include <functional>

namespace mgw::smtp
{

/// What rules ask. All but the resolver may be shared by threads.
struct DoorSources {
    dns::Resolver& resolver;
    DoorMemory& memory;
    state::Store* store = nullptr; ///< without one what counts or remembers passes
    std::function<void(const Error&)> complain = [](const Error&) {};
};

/// Decides about one question: the first rule that refuses is the answer. The order is
///     connect    allow, deny, rate (connections), early, policy
///     HELO       policy
///     auth       rate (failures)
///     MAIL       helo, reverse, dnsbl, rate (messages), policy
///     RCPT       recipient, class, rate (recipients), policy, greylist, recipient (callout)
/// Networks that a list allows meet only recipient, class, policy and rates of senders, recipients and logins. For who
/// has logged in, deny, early, helo, reverse, dnsbl and greylist do not count. A rule in dry-run is asked like the
/// others; what it would have done stands in the answer, and the next rule is asked. A failure of the state lets mail
/// pass that rule. Replies name the rule, never the file that it stands in.
DoorAnswer decide_door(const DoorPlan& plan, const DoorTables& tables, const DoorSources& sources,
                       const DoorQuestion& question, Time now);

} // namespace mgw::smtp
