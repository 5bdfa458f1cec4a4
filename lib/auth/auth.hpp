#pragma once

#include "lib/auth/authres.hpp"
#include "lib/auth/dkim.hpp"
#include "lib/auth/dmarc.hpp"
#include "lib/auth/spf.hpp"
#include "lib/dns/resolver.hpp"
#include "lib/lists/iprev.hpp"
#include "lib/mail/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::auth
{

/// What is known of how a message came in.
struct Arrival {
    std::string ip;                       ///< empty if not known
    std::string helo;                     ///< empty if not known
    std::optional<std::string> mail_from; ///< without brackets, "" for the null sender, nothing if not known
    std::string receiver;                 ///< our own name
};

/// What was measured about one message.
struct Findings {
    SpfResult spf;
    std::string spf_reason; ///< why there is no SPF result; empty if there is one
    DkimResult dkim;
    DmarcResult dmarc;
    lists::IprevResult iprev;
};

/// Measures the authenticity of one message: reverse DNS, SPF, DKIM, DMARC. Every message and every arrival is allowed.
Findings measure(const mail::Message& message, const Arrival& arrival, DkimVerifier& verifier, dns::Resolver& resolver,
                 Discovery discovery, Time now);

/// The author domains of a message, as they are written in its From fields.
std::vector<std::string> author_domains(const mail::Message& message);

/// The methods of the Authentication-Results field.
std::vector<MethodResult> methods_of(const Findings& findings, const Arrival& arrival);

/// Keys and values of Mgw-Result.
std::vector<std::pair<std::string, std::string>> result_values(const Findings& findings);

/// The domains of signatures that passed, each once, in order.
std::vector<std::string> passed_domains(const DkimResult& dkim);

/// For people: for each mechanism what was asked, what came back, which rule decided.
std::vector<std::string> explain(const Findings& findings, const Arrival& arrival);

} // namespace mgw::auth
