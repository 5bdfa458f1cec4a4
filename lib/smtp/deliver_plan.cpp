#include "lib/smtp/deliver_plan.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/deliver_final.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

std::string domain_of(std::string_view path)
{
    const auto at = path.rfind('@');
    return at == std::string_view::npos ? std::string{} : std::string(path.substr(at + 1));
}

/// Where a recipient goes; an outcome where it goes nowhere.
Result<Destination> destination_of(const mail::Block& block, const mail::Recipient& recipient,
                                   const std::optional<Destination>& fallback, Outcome& outcome)
{
    std::optional<Destination> destination = fallback;
    if (const auto hop = block.hop(recipient.number); !hop.empty()) {
        auto parsed = parse_destination(hop);
        if (!parsed)
            return pass(parsed);
        destination = std::move(*parsed);
    }
    if (!destination)
        return fail(Status::temp_fail, "no next hop is known");
    if (destination->kind == Destination::Kind::mx) {
        const auto domain = domain_of(recipient.path);
        auto parsed = parse_destination("smtp:" + domain);
        if (domain.empty() || !parsed) {
            outcome = {550, "5.1.2", "the address has no domain that mail could be sent to", {}};
            return Destination{};
        }
        destination = std::move(*parsed);
    }
    if (destination->kind == Destination::Kind::error)
        outcome = {destination->enhanced[0] == '4' ? 451 : 550, destination->enhanced, destination->text, {}};
    return std::move(*destination);
}

bool takes_one(const Destination& d)
{
    return d.kind == Destination::Kind::maildir || d.kind == Destination::Kind::pipe;
}

void add_to_group(std::vector<Group>& groups, Destination destination, std::size_t position, std::size_t most)
{
    const auto key = destination.key();
    const auto group = std::ranges::find_if(groups, [&](const Group& g) {
        return g.recipients.size() < most && !takes_one(g.destination) && g.destination.key() == key;
    });
    if (group != groups.end())
        group->recipients.push_back(position);
    else
        groups.push_back({std::move(destination), {position}});
}

} // namespace

Outcome outcome_of_verdict(const mail::Verdict& verdict)
{
    const auto text = [&](std::string_view otherwise) {
        return verdict.text.empty() ? std::string(otherwise) : printable_ascii(verdict.text);
    };
    const auto or_default = [](const std::string& enhanced, char klass, const char* otherwise) {
        return !enhanced.empty() && enhanced[0] == klass ? enhanced : std::string(otherwise);
    };
    switch (verdict.action) {
    case mail::Action::accept:
        return {};
    case mail::Action::quarantine:
        return {451, "4.7.1", text("held for quarantine"), {}};
    case mail::Action::defer:
        return {verdict.code / 100 == 4 ? verdict.code : 451,
                or_default(verdict.enhanced, '4', "4.7.1"),
                text("try again later"),
                {}};
    case mail::Action::discard:
        return {250, "2.0.0", "discarded", {}};
    case mail::Action::reject:
        return {verdict.code / 100 == 5 ? verdict.code : 550,
                or_default(verdict.enhanced, '5', "5.7.1"),
                text("refused by policy"),
                {}};
    }
    return {451, "4.3.0", "unknown verdict", {}};
}

std::string depends_on(const mail::Recipient& recipient)
{
    for (const auto word : split_blanks(recipient.parameters))
        if (istarts_with(word, "for="))
            return std::string(word.substr(4));
    return {};
}

Plan plan_delivery(const mail::Block& block, std::string_view message, const std::optional<Destination>& fallback,
                   const Limits& limits, const std::function<bool(const mail::Recipient&)>& wanted,
                   std::size_t recipients_per_mail)
{
    Plan plan;
    for (auto& recipient : block.final_recipients()) {
        if (!wanted(recipient))
            continue;
        plan.recipients.push_back(recipient);
        Outcome& outcome = plan.outcomes.emplace_back(outcome_of_verdict(block.effective(recipient.number)));
        if (outcome.code != 0)
            continue;
        auto destination = destination_of(block, recipient, fallback, outcome);
        if (!destination)
            outcome = {451, "4.3.5", printable_ascii(destination.error().message), {}};
        else if (outcome.code == 0 && !is_safe_path(recipient.path))
            outcome = {553, "5.1.3", "malformed recipient address", {}};
        if (outcome.code == 0)
            outcome = find_loop(message, takes_one(*destination) ? recipient.path : std::string{}, limits);
        if (outcome.code == 0)
            add_to_group(plan.groups, std::move(*destination), plan.recipients.size() - 1, recipients_per_mail);
    }
    return plan;
}

} // namespace mgw::smtp
