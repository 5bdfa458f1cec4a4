#include "lib/auth/spf_guard.hpp"

#include "lib/auth/spf_address.hpp"
#include "lib/core/text.hpp"

#include <algorithm>

/// The guard's questions to the DNS.
namespace mgw::auth::spf
{
namespace
{

// RFC 7208 section 4.6.4.
constexpr std::size_t max_exchanges = 10;
constexpr std::size_t max_pointers = 10;

constexpr std::size_t max_explanation_octets = 4096;
constexpr std::size_t max_shown_octets = 500;

/// What an `exists` term of the library's record finds when it shall match.
const std::string& there_it_is()
{
    static const std::string address("\x7f\0\0\x02", 4);
    return address;
}

bool is_below(std::string_view name, std::string_view domain)
{
    return iequals(name, domain) ||
           (name.size() > domain.size() && iends_with(name, domain) && name[name.size() - domain.size() - 1] == '.');
}

} // namespace

using Reply = Guard::Reply;

Reply Guard::failed_look_up(const std::string& name, dns::Type type, dns::Code code)
{
    return stop("temperror", std::string(dns::type_name(type)) + " of " + printable_ascii(name, 260) + ": " +
                                 std::string(dns::code_name(code)));
}

Reply Guard::addresses_of(const std::string& name, unsigned bits, bool counts)
{
    const auto answer = ask(name, address_type());
    if (dns::is_temporary(answer.code))
        return failed_look_up(name, address_type(), answer.code);
    if (counts && !count_void(answer))
        return {.kind = Reply::Kind::again};
    Reply reply{.kind = Reply::Kind::addresses};
    for (const auto& record : answer.records)
        if (auto octets = address_octets(record.data); octets && octets->size() == subject_.client.size())
            reply.items.push_back(shown(std::move(*octets)));
    if (bits == 0 && !reply.items.empty())
        reply.items = {shown(subject_.client)};
    return reply;
}

Reply Guard::exchanges_of(const std::string& name, const Asked& asked)
{
    const auto answer = ask(name, dns::Type::mx);
    if (dns::is_temporary(answer.code))
        return failed_look_up(name, dns::Type::mx, answer.code);
    if (!count_void(answer))
        return {.kind = Reply::Kind::again};
    if (answer.records.size() > max_exchanges)
        return stop("permerror", printable_ascii(name, 260) + " has more than " + std::to_string(max_exchanges) +
                                     " mail exchangers");
    for (const auto& record : answer.records)
        resolver_.prefetch(record.data, address_type());
    Reply reply{.kind = Reply::Kind::hosts};
    for (const auto& record : answer.records)
        if (!record.data.empty()) // "no mail" (RFC 7505)
            reply.items.push_back(
                name_for({.kind = Asked::Kind::host, .record = asked.record, .term = asked.term, .host = record.data}));
    return reply;
}

Reply Guard::exists(const std::string& name)
{
    const auto answer = ask(name, dns::Type::a);
    if (dns::is_temporary(answer.code))
        return failed_look_up(name, dns::Type::a, answer.code);
    if (!count_void(answer))
        return {.kind = Reply::Kind::again};
    if (answer.records.empty())
        return {};
    return {.kind = Reply::Kind::addresses, .items = {there_it_is()}};
}

Reply Guard::pointed_to(const std::string& name)
{
    const auto& names = validated_names();
    if (std::ranges::any_of(names, [&](const auto& found) { return is_below(found, name); }))
        return {.kind = Reply::Kind::addresses, .items = {there_it_is()}};
    return {};
}

/// Names of the client that lead back to it, in the order of the answer (RFC 7208 section 5.5). A look-up that fails
/// skips its name; names after the tenth are not looked at. The client's owner publishes them, not the sender: none of
/// this counts as void.
const std::vector<std::string>& Guard::validated_names()
{
    if (validated_)
        return *validated_;
    validated_.emplace();
    const auto answer = ask(dns::reverse_name(address_text(subject_.client)), dns::Type::ptr);
    const auto count = std::min(answer.records.size(), max_pointers);
    for (std::size_t i = 0; i < count; ++i)
        resolver_.prefetch(answer.records[i].data, address_type());
    for (std::size_t i = 0; i < count; ++i) {
        const auto& name = answer.records[i].data;
        const auto addresses = ask(name, address_type());
        if (std::ranges::any_of(addresses.records,
                                [&](const auto& record) { return address_octets(record.data) == subject_.client; }))
            validated_->push_back(name);
    }
    return *validated_;
}

/// The macro `p`: the domain itself, else a name below it, else any, else "unknown" (section 7.3).
std::string Guard::validated_name(const std::string& domain)
{
    const auto& names = validated_names();
    for (const auto& name : names)
        if (iequals(name, domain))
            return name;
    for (const auto& name : names)
        if (is_below(name, domain))
            return name;
    return names.empty() ? "unknown" : names.front();
}

/// RFC 7208 section 6.2: whatever is wrong with an explanation, there is just none.
void Guard::explain(const Loaded& loaded)
{
    const auto values = values_for(loaded.domain);
    const auto name = expand_domain(loaded.record.explanation, values);
    const auto answer = ask(name, dns::Type::txt);
    if (answer.records.size() != 1)
        return;
    const auto& text = answer.records[0].data;
    if (text.size() > max_explanation_octets || !is_macro_string(text, MacroUse::explanation)) {
        result_.trace.push_back("the explanation is too long or wrong and is not used");
        return;
    }
    result_.explanation = printable_ascii(expand(text, values), max_shown_octets);
}

} // namespace mgw::auth::spf
