#include "lib/lists/dnsbl_list.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"
#include "lib/dns/name.hpp"
#include "lib/lists/map_file.hpp"

#include <algorithm>

namespace mgw::lists
{

namespace
{

constexpr std::size_t longest_line = 4096;
constexpr std::size_t most_rules = 64;
constexpr std::size_t longest_word = 60; ///< of a name or a meaning
constexpr std::size_t largest_file = 1U << 20;
constexpr unsigned most_weight = 1000;

bool is_host_text(std::string_view text)
{
    return std::ranges::all_of(text,
                               [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; });
}

std::unexpected<Error> wrong(std::string_view what, std::string_view word, std::string hint = {})
{
    return fail(Status::config, std::string(what) + " \"" + printable_ascii(word, 80) + "\"", std::move(hint));
}

std::optional<unsigned> octet(std::string_view text)
{
    const auto number = text.size() <= 3 ? parse_number(text) : std::nullopt;
    return number && *number < 256 ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

/// The values that "2", "2-9", "*", "&8" and several of these with commas stand for; nothing for other text.
std::optional<std::bitset<256>> octet_set(std::string_view text)
{
    std::bitset<256> out;
    for (const auto item : split(text, ',')) {
        if (item == "*") {
            out.set();
        } else if (item.starts_with('&')) {
            const auto mask = octet(item.substr(1));
            if (!mask || *mask == 0)
                return std::nullopt;
            for (unsigned i = 0; i < 256; ++i)
                if ((i & *mask) == *mask)
                    out.set(i);
        } else {
            const auto dash = item.find('-');
            const auto from = octet(item.substr(0, dash));
            const auto to = dash == std::string_view::npos ? from : octet(item.substr(dash + 1));
            if (!from || !to || *from > *to)
                return std::nullopt;
            for (unsigned i = *from; i <= *to; ++i)
                out.set(i);
        }
    }
    return out;
}

Result<void> set_action(DnsblRule& rule, std::string_view text, bool is_allow)
{
    if (text == "reject" && !is_allow) {
        rule.action = DnsblAction::reject;
    } else if (text == "defer" && !is_allow) {
        rule.action = DnsblAction::defer;
    } else if (text == "accept" && is_allow) {
        rule.action = DnsblAction::accept;
    } else {
        const auto weight = text.size() <= 4 ? parse_number(text) : std::nullopt;
        if (!weight || *weight == 0 || *weight > most_weight)
            return wrong("not an action:", text,
                         is_allow ? "write accept or a weight from 1 to 1000"
                                  : "write reject, defer or a weight from 1 to 1000");
        rule.weight = static_cast<unsigned>(*weight);
    }
    return {};
}

Result<DnsblRule> parse_rule(std::string_view word, bool is_allow)
{
    DnsblRule rule;
    const auto equals = word.find_first_of("=:");
    const auto codes = word.substr(0, equals);
    std::string_view rest = equals == std::string_view::npos ? std::string_view{} : word.substr(equals);
    rule.codes = std::string(codes);
    const auto octets = split(codes, '.');
    if (octets.size() != 4 || octets[0] != "127")
        return wrong("not return codes:", codes, "write 127 and three more octets: 127.0.0.2-3, 127.0.*.2, 127.0.0.&8");
    for (std::size_t i = 0; i < 4; ++i) {
        const auto set = octet_set(octets[i]);
        if (!set)
            return wrong("not return codes:", codes, "an octet is a number, a range, *, &BITS, or these with commas");
        rule.octets[i] = *set;
    }
    if (rule.octets[1].count() == 1 && rule.octets[1][255] && rule.octets[2].count() == 1 && rule.octets[2][255])
        return wrong("no listing, but a list's refusal to answer:", codes);
    if (rest.starts_with('=')) {
        const auto colon = rest.find(':');
        const auto meaning = rest.substr(1, colon == std::string_view::npos ? colon : colon - 1);
        if (meaning.empty() || meaning.size() > longest_word || printable_ascii(meaning) != meaning)
            return wrong("not a meaning of 1 to 60 characters:", meaning);
        rule.meaning = std::string(meaning);
        rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon);
    }
    if (rest.starts_with(':'))
        if (auto set = set_action(rule, rest.substr(1), is_allow); !set)
            return pass(set);
    return rule;
}

/// "test=none" or "test=LISTED,UNLISTED".
Result<void> set_test(DnsblList& list, std::string_view value)
{
    if (value == "none") {
        list.is_tested = false;
        return {};
    }
    const auto points = split(value, ',');
    if (points.size() != 2 || !dns::is_name(points[0]) || !dns::is_name(points[1]) || !is_host_text(points[0]) ||
        !is_host_text(points[1]) || iequals(points[0], points[1]))
        return wrong("not a self-test:", value, "write test=none, or test=LISTED,UNLISTED with two domains");
    list.listed_domain = to_lower(points[0]);
    list.unlisted_domain = to_lower(points[1]);
    return {};
}

/// A word that says something about the whole list; false where it is none.
Result<bool> set_word(DnsblList& list, std::string_view word)
{
    if (word == "allow" || word == "deny") {
        list.is_allow = word == "allow";
    } else if (word == "client" || word == "domain") {
        list.subject = word == "domain" ? DnsblSubject::domain : DnsblSubject::client;
    } else if (word == "v4" || word == "v6" || word == "v4+v6") {
        list.has_v4 = word != "v6";
        list.has_v6 = word != "v4";
    } else if (word.starts_with("name=")) {
        list.name = std::string(word.substr(5));
        if (list.name.empty() || list.name.size() > longest_word || !is_host_text(list.name))
            return wrong("not a name of 1 to 60 letters, digits, dots and dashes:", list.name);
    } else if (word.starts_with("test=")) {
        if (auto set = set_test(list, word.substr(5)); !set)
            return pass(set);
    } else {
        return false;
    }
    return true;
}

bool is_test_of_domains(std::string_view word)
{
    return word.starts_with("test=") && word != "test=none";
}

} // namespace

std::string_view dnsbl_action_name(DnsblAction action)
{
    switch (action) {
    case DnsblAction::weight:
        return "weight";
    case DnsblAction::defer:
        return "defer";
    case DnsblAction::reject:
        return "reject";
    case DnsblAction::accept:
        return "accept";
    }
    return "?";
}

bool DnsblRule::has(const IpAddress& code) const
{
    if (!code.is_v4)
        return false;
    for (std::size_t i = 0; i < octets.size(); ++i)
        if (!octets[i][code.octets[i]])
            return false;
    return true;
}

std::optional<std::string> DnsblList::query_name(const IpAddress& address) const
{
    if (subject != DnsblSubject::client || !(address.is_v4 ? has_v4 : has_v6))
        return std::nullopt;
    auto out = reversed_text(address) + "." + zone;
    return dns::is_name(out) ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string> DnsblList::query_name(std::string_view domain) const
{
    domain = dns::without_final_dot(domain);
    if (subject != DnsblSubject::domain || !dns::is_name(domain) || !is_host_text(domain) || parse_ip(domain))
        return std::nullopt;
    auto out = to_lower(domain) + "." + zone;
    return dns::is_name(out) ? std::optional(std::move(out)) : std::nullopt;
}

Result<DnsblList> parse_dnsbl(std::string_view line)
{
    if (line.size() > longest_line)
        return fail(Status::config, "the definition of a list is longer than 4096 characters");
    const auto words = split_blanks(trim(line));
    if (words.empty())
        return fail(Status::config, "the definition of a list is empty");
    DnsblList list;
    list.zone = to_lower(dns::without_final_dot(words[0]));
    // the longest question has 64 octets of nibbles before the zone
    if (!dns::is_name(list.zone) || !is_host_text(list.zone) || !list.zone.contains('.') || list.zone.size() > 189)
        return wrong("not the zone of a list:", words[0], "write the zone first: zen.example.org 127.0.0.2=SBL");
    list.name = list.zone;
    bool tests_domains = false;
    bool names_family = false;
    std::vector<std::string_view> codes;
    for (std::size_t i = 1; i < words.size(); ++i) {
        const auto set = set_word(list, words[i]);
        if (!set)
            return std::unexpected(set.error());
        tests_domains = tests_domains || is_test_of_domains(words[i]);
        names_family = names_family || words[i].starts_with("v4") || words[i].starts_with("v6");
        if (*set)
            continue;
        if (!words[i].starts_with("127."))
            return wrong("unknown word", words[i],
                         "known are deny, allow, client, domain, v4, v6, v4+v6, name=, test=, "
                         "and return codes, which begin with 127.");
        codes.push_back(words[i]);
    }
    if (list.subject == DnsblSubject::client && tests_domains)
        return fail(Status::config, "a list of addresses is tested with 127.0.0.2 and 127.0.0.1, not with domains");
    if (list.subject == DnsblSubject::domain && names_family)
        return fail(Status::config, "a list of domains has no address family");
    if (codes.empty())
        return fail(Status::config, "the list " + list.name + " has no return codes",
                    "write which codes count and what they mean: 127.0.0.2-3=SBL:reject");
    if (codes.size() > most_rules)
        return fail(Status::config, "the list " + list.name + " has more than 64 sets of return codes");
    for (const auto word : codes) {
        auto rule = parse_rule(word, list.is_allow);
        if (!rule)
            return pass(rule);
        list.rules.push_back(std::move(*rule));
    }
    return list;
}

Result<std::vector<DnsblList>> parse_dnsbl_lists(std::string_view text, std::string_view name)
{
    std::vector<DnsblList> out;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = text.find('\n');
        const auto line = trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || line.starts_with('#'))
            continue;
        auto list = parse_dnsbl(line);
        if (!list)
            return map_error(name, number, list.error().message, list.error().hint);
        if (std::ranges::find(out, list->name, &DnsblList::name) != out.end())
            return map_error(name, number, "a list named " + list->name + " is there already",
                             "give one of them another name: name=NAME");
        out.push_back(std::move(*list));
    }
    return out;
}

Result<std::vector<DnsblList>> read_dnsbl_lists(const std::string& path)
{
    auto text = read_file(path, largest_file);
    if (!text)
        return pass(text);
    return parse_dnsbl_lists(*text, path);
}

DnsblCode dnsbl_code(std::string_view address)
{
    const auto ip = parse_ip(address);
    if (!ip || !ip->is_v4 || ip->octets[0] != 127)
        return DnsblCode::foreign;
    return ip->octets[1] == 255 && ip->octets[2] == 255 ? DnsblCode::refusal : DnsblCode::value;
}

std::string dnsbl_refusal(std::string_view address)
{
    std::string why = "the list refuses to answer";
    if (address == "127.255.255.252")
        why = "the list does not know this zone name";
    else if (address == "127.255.255.254")
        why = "the list refuses public or unknown resolvers";
    else if (address == "127.255.255.255")
        why = "the list says that it is asked too often";
    return why + " (" + printable_ascii(address, 40) + ")";
}

} // namespace mgw::lists
