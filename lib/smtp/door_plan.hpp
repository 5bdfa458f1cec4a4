#pragma once

#include "lib/dns/resolver.hpp"
#include "lib/lists/cidr.hpp"
#include "lib/smtp/door.hpp"
#include "lib/smtp/door_callout.hpp"
#include "lib/state/greylist.hpp"
#include "lib/state/rate.hpp"
#include "lib/state/store.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mgw::smtp
{

/// What is asked of a client's name in the DNS.
enum class ReverseName : char {
    none,
    named,     ///< its address has a name
    confirmed, ///< and the name leads back to the address
};

/// What the door checks. Nothing is checked that is not named here.
struct DoorPlan {
    std::string hostname;             ///< ours
    std::vector<std::string> domains; ///< ours, as ServerConfig::domains

    std::vector<lists::CidrFile> networks;
    std::vector<std::string> dnsbl;     ///< definitions, see lists::DnsblList
    std::string dnsbl_file;             ///< a file of more
    unsigned dnsbl_weight = 0;          ///< refuse from this sum on; 0: weights never refuse
    std::chrono::milliseconds early{0}; ///< how long the greeting waits for clients that do not; 0: not at all
    std::set<std::string> helo;         ///< of helo_checks
    ReverseName reverse = ReverseName::none;
    std::vector<state::RateLimit> rates;
    std::optional<state::GreyPolicy> greylist;
    std::string recipients; ///< a map file of the addresses that exist
    /// Asks the server that has the mailboxes whether there is this one; the store keeps what it says.
    std::function<CalloutAnswer(const std::string& recipient)> callout;
    std::string classes; ///< a map file: address, class
    std::chrono::milliseconds tarpit{0};
    std::set<std::string> dry_run; ///< rules, or the word before their first ':'; "all"

    /// The domain whose SPF the client passes for this sender, or nothing; the greylist asks. It may ask the DNS.
    std::function<std::string(const DoorQuestion&, dns::Resolver&)> spf;
    /// Rules of another kind, asked at every point behind the others of the same point, but before the greylist.
    std::function<std::optional<DoorAnswer>(const DoorQuestion&)> policy;

    /// Whether there is anything to do at all.
    bool is_empty() const
    {
        return networks.empty() && dnsbl.empty() && dnsbl_file.empty() && early.count() == 0 && helo.empty() &&
               reverse == ReverseName::none && rates.empty() && !greylist && recipients.empty() && !callout &&
               classes.empty() && !policy;
    }
    /// Where nothing is checked, so that nobody need be asked.
    std::vector<DoorPoint> unused_points() const;
    /// Whether anything is counted or remembered.
    bool needs_state() const { return !rates.empty() || greylist.has_value() || callout; }
};

/// The words of DoorPlan::helo.
constexpr const char* helo_checks[] = {"syntax", "self", "address", "dns"};

/// What DoorPlan::dry_run may name beside the rules of `rates` ("rate:NAME") and "helo:CHECK".
constexpr const char* door_rules[] = {"all",  "deny",     "early",     "helo",  "reverse", "dnsbl",
                                      "rate", "greylist", "recipient", "class", "policy",  "tarpit"};

} // namespace mgw::smtp
