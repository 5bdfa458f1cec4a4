#pragma once

#include "lib/core/ip.hpp"
#include "lib/core/result.hpp"

#include <array>
#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::lists
{

/// What a listing asks for. The caller decides whether it does it.
enum class DnsblAction : char {
    weight, ///< adds to the sum (a list that allows: takes from it)
    defer,  ///< a temporary refusal
    reject, ///< a refusal
    accept, ///< only of a list that allows: the other lists do not count
};
std::string_view dnsbl_action_name(DnsblAction action);

/// One set of return codes and what it means.
struct DnsblRule {
    std::string codes;                      ///< as it was written: "127.0.0.4-7"
    std::array<std::bitset<256>, 4> octets; ///< the values that each octet may have
    std::string meaning = "listed";         ///< "XBL"
    DnsblAction action = DnsblAction::weight;
    unsigned weight = 1;

    bool has(const IpAddress& code) const;
};

/// What a list is asked about.
enum class DnsblSubject : char { client, domain };

/// A DNS-based list (RFC 5782), as its line of text describes it. The words of the line, in any order behind the zone:
///     ZONE [deny|allow] [client|domain] [v4|v6|v4+v6] [name=NAME] [test=none|test=LISTED,UNLISTED]
///     CODES[=MEANING][:ACTION] … zen.example.org v4+v6 127.0.0.2-3=SBL:reject 127.0.0.4-7=XBL:5 127.0.0.10,11=PBL
///     white.example.org allow 127.0.*.1=low:2 127.0.*.2-3=high:accept
///     uri.example.org domain test=listed.example,other.example 127.0.0.&8=phish:reject
/// Without other words: deny, client, v4, the zone as name, the test points of RFC 5782. CODES is four octets, each a
/// number, a range, `*`, `&N` (all bits of N are set), or several of these with commas; the first is 127. At least one
/// is needed: a list is never believed by the mere existence of an answer. ACTION is reject, defer, accept (of allow
/// only) or a weight from 1 to 1000; the default is 1. A zone that has a key in it is shown by its name only.
struct DnsblList {
    std::string zone; ///< lower case, without final dot
    std::string name; ///< what records and explanations show
    bool is_allow = false;
    DnsblSubject subject = DnsblSubject::client;
    bool has_v4 = true;
    bool has_v6 = false;
    bool is_tested = true;
    std::string listed_domain = "test";      ///< RFC 5782 section 5
    std::string unlisted_domain = "invalid"; ///< RFC 5782 section 5
    std::vector<DnsblRule> rules;

    /// The question for an address: its octets or nibbles reversed before the zone (RFC 5782 sections 2.1, 2.4).
    /// Nothing where the list has no addresses of that family, or the name is too long.
    std::optional<std::string> query_name(const IpAddress& address) const;
    /// The question for a domain (RFC 5782 section 3): lower case, without final dot. Nothing for an address, a name of
    /// other characters than letters, digits, '-', '_' and '.' (RFC 6531 names as A-labels), or one that is too long.
    std::optional<std::string> query_name(std::string_view domain) const;
};

/// Reads one definition. Status::config says which word is wrong.
Result<DnsblList> parse_dnsbl(std::string_view line);

/// Reads definitions from text or a file: one in a line, lines that begin with '#' and empty lines do not count.
/// Status::config with file and line, also for a name that is used twice.
Result<std::vector<DnsblList>> parse_dnsbl_lists(std::string_view text, std::string_view name);
Result<std::vector<DnsblList>> read_dnsbl_lists(const std::string& path);

/// How an A record of a list reads (RFC 5782 section 2.3).
enum class DnsblCode : char {
    value,   ///< in 127.0.0.0/8
    refusal, ///< 127.255.255.0/24: the list does not answer us. Never a listing
    foreign, ///< outside 127.0.0.0/8: not a list any more, or a resolver that lies. Never a listing
};
DnsblCode dnsbl_code(std::string_view address);

/// What 127.255.255.x tells: "the list refuses public resolvers (127.255.255.254)".
std::string dnsbl_refusal(std::string_view address);

} // namespace mgw::lists
