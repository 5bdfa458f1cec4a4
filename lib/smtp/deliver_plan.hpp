#pragma once

#include "lib/core/limits.hpp"
#include "lib/mail/block.hpp"
#include "lib/smtp/client_destination.hpp"
#include "lib/smtp/client_session.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mgw::smtp
{

/// Recipients of one message that go to one destination in one transaction: positions in Plan::recipients.
struct Group {
    Destination destination;
    std::vector<std::size_t> recipients;
};

/// What is to be done with one message. An outcome with a code is decided already: by a verdict, by an `error:` hop, by
/// a loop.
struct Plan {
    std::vector<mail::Recipient> recipients;
    std::vector<Outcome> outcomes; ///< one for each recipient
    std::vector<Group> groups;
};

/// Plans the delivery of a message to its final recipients. Hops come from the block, else from `fallback`. A verdict
/// that is not accept delivers nothing: quarantine and defer are 4xx, reject is its 5xx, discard is 2xx. A transaction
/// of SMTP or LMTP has at most `recipients_per_mail`; Maildirs and programs get one recipient at a time. `wanted` says
/// which recipients take part.
Plan plan_delivery(const mail::Block& block, std::string_view message, const std::optional<Destination>& fallback,
                   const Limits& limits, const std::function<bool(const mail::Recipient&)>& wanted,
                   std::size_t recipients_per_mail = 50);

/// What a verdict means as an outcome; code 0 for accept.
Outcome outcome_of_verdict(const mail::Verdict& verdict);

/// The original recipient that a new one ("0.1 … for=2") depends on; empty when it names none.
std::string depends_on(const mail::Recipient& recipient);

} // namespace mgw::smtp
