#include "lib/auth/spf_record.hpp"

#include "lib/auth/spf_macro.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>

namespace mgw::auth::spf
{
namespace
{

constexpr std::string_view version = "v=spf1";
constexpr std::size_t max_record_octets = 16384;

constexpr bool is_name_char(char c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.';
}

std::optional<Mechanism> find_mechanism(std::string_view name)
{
    static constexpr std::array<std::pair<std::string_view, Mechanism>, 8> names{{{"all", Mechanism::all},
                                                                                  {"include", Mechanism::include},
                                                                                  {"a", Mechanism::a},
                                                                                  {"mx", Mechanism::mx},
                                                                                  {"ptr", Mechanism::ptr},
                                                                                  {"ip4", Mechanism::ip4},
                                                                                  {"ip6", Mechanism::ip6},
                                                                                  {"exists", Mechanism::exists}}};
    for (const auto& [known, mechanism] : names)
        if (iequals(name, known))
            return mechanism;
    return {};
}

/// Digits without leading zero, at most `limit`.
std::optional<unsigned> read_bits(std::string_view digits, unsigned limit)
{
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0'))
        return {};
    const auto number = parse_number(digits);
    return number && *number <= limit ? std::optional(static_cast<unsigned>(*number)) : std::nullopt;
}

/// Takes a final "/" digits off `rest`; `before` gets what stands before the slash. Nothing where there is none.
std::optional<std::string_view> final_digits(std::string_view rest, std::string_view& before)
{
    auto at = rest.size();
    while (at > 0 && is_digit(rest[at - 1]))
        --at;
    if (at == rest.size() || at == 0 || rest[at - 1] != '/')
        return {};
    before = rest.substr(0, at - 1);
    return rest.substr(at);
}

/// dual-cidr-length: [ "/" digits ] [ "//" digits ] at the end of `rest`, which keeps what stands before. False for
/// lengths out of range.
bool take_dual_length(std::string_view& rest, Term& term)
{
    std::string_view before;
    auto digits = final_digits(rest, before);
    if (digits && before.ends_with('/')) {
        const auto bits = read_bits(*digits, 128);
        if (!bits)
            return false;
        term.bits6 = *bits;
        rest = before.substr(0, before.size() - 1);
        digits = final_digits(rest, before);
    }
    if (digits) {
        const auto bits = read_bits(*digits, 32);
        if (!bits)
            return false;
        term.bits4 = *bits;
        rest = before;
    }
    return true;
}

bool read_network(std::string_view rest, Term& term)
{
    const bool four = term.mechanism == Mechanism::ip4;
    if (!rest.starts_with(':'))
        return false;
    rest.remove_prefix(1);
    if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
        const auto bits = read_bits(rest.substr(slash + 1), four ? 32 : 128);
        if (!bits)
            return false;
        (four ? term.bits4 : term.bits6) = *bits;
        rest = rest.substr(0, slash);
    }
    std::array<char, 16> octets{};
    if (inet_pton(four ? AF_INET : AF_INET6, std::string(rest).c_str(), octets.data()) != 1)
        return false;
    term.network.assign(octets.data(), four ? 4 : 16);
    return true;
}

/// What follows a mechanism's name.
bool read_arguments(std::string_view rest, Term& term)
{
    switch (term.mechanism) {
    case Mechanism::all:
        return rest.empty();
    case Mechanism::ip4:
    case Mechanism::ip6:
        return read_network(rest, term);
    case Mechanism::a:
    case Mechanism::mx:
        if (!take_dual_length(rest, term))
            return false;
        break;
    case Mechanism::ptr:
    case Mechanism::include:
    case Mechanism::exists:
        break;
    }
    if (rest.empty())
        return term.mechanism != Mechanism::include && term.mechanism != Mechanism::exists;
    if (!rest.starts_with(':') || !is_domain_spec(rest.substr(1)))
        return false;
    term.domain = rest.substr(1);
    return true;
}

bool read_directive(std::string_view text, Record& record)
{
    Term term;
    term.text = text;
    if (std::string_view("+-~?").contains(text[0])) {
        term.qualifier = text[0];
        text.remove_prefix(1);
    }
    const auto end = std::min(text.find_first_of(":/"), text.size());
    const auto mechanism = find_mechanism(text.substr(0, end));
    if (!mechanism)
        return false;
    term.mechanism = *mechanism;
    if (!read_arguments(text.substr(end), term))
        return false;
    record.terms.push_back(std::move(term));
    return true;
}

/// True for a name, "=" and a value: known names need a domain-spec and may stand once (section 6).
bool read_modifier(std::string_view name, std::string_view value, Record& record)
{
    const bool redirect = iequals(name, "redirect");
    if (!redirect && !iequals(name, "exp"))
        return is_macro_string(value, MacroUse::modifier);
    auto& known = redirect ? record.redirect : record.explanation;
    if (!known.empty() || !is_domain_spec(value))
        return false;
    known = value;
    return true;
}

bool read_term(std::string_view text, Record& record)
{
    const auto equals = text.find('=');
    if (equals != std::string_view::npos && is_letter(text[0]) &&
        std::ranges::all_of(text.substr(0, equals), is_name_char))
        return read_modifier(text.substr(0, equals), text.substr(equals + 1), record);
    return read_directive(text, record);
}

} // namespace

bool is_spf_record(std::string_view text)
{
    return istarts_with(text, version) && (text.size() == version.size() || text[version.size()] == ' ');
}

Result<Record> parse_record(std::string_view text)
{
    if (text.size() > max_record_octets)
        return fail(Status::data, "the record is longer than " + std::to_string(max_record_octets) + " octets");
    Record record;
    // Only the blank separates terms: other white space is part of one, and wrong there.
    for (const auto term : split(text.substr(version.size()), ' '))
        if (!term.empty() && !read_term(term, record))
            return fail(Status::data, "syntax error at '" + printable_ascii(term, 100) + "'");
    return record;
}

} // namespace mgw::auth::spf
