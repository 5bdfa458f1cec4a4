#include "lib/filter/decide.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::filter
{

namespace
{

constexpr std::string_view tool = "mgw-filter";

std::string_view default_reason(ActionKind kind)
{
    switch (kind) {
    case ActionKind::quarantine:
        return "Held for review";
    case ActionKind::defer:
        return "Please try again later";
    case ActionKind::discard:
        return "Discarded by policy";
    case ActionKind::reject:
        return "Refused by policy";
    default:
        return "";
    }
}

std::optional<mail::Action> verdict_action(ActionKind kind)
{
    switch (kind) {
    case ActionKind::reject:
        return mail::Action::reject;
    case ActionKind::quarantine:
        return mail::Action::quarantine;
    case ActionKind::defer:
        return mail::Action::defer;
    case ActionKind::accept:
        return mail::Action::accept;
    case ActionKind::discard:
        return mail::Action::discard;
    default:
        return std::nullopt;
    }
}

/// One line of verdict or mark with the recipients it is for.
struct Line {
    const Step* step = nullptr;
    std::string text;
    std::vector<std::string> recipients;
};

class Decider {
public:
    Decider(const Program& program, mail::Block& block, Decision& decision)
        : program_(program), block_(block), decision_(decision)
    {}

    Result<void> take(const Outcome& outcome, const mail::Recipient* recipient);
    void write(std::size_t recipients);

private:
    void add(const Taken& taken, const std::string& number);
    void note(const Step& step);

    const Program& program_;
    mail::Block& block_;
    Decision& decision_;
    std::vector<Line> lines_;
    std::vector<mail::Recipient> made_;
};

void Decider::note(const Step& step)
{
    const auto where = program_.where(step.at);
    if (std::ranges::find(decision_.lines, where) == decision_.lines.end())
        decision_.lines.push_back(where);
}

void Decider::add(const Taken& taken, const std::string& number)
{
    const auto same = std::ranges::find_if(
        lines_, [&](const Line& line) { return line.step == taken.step && line.text == taken.text; });
    if (same == lines_.end())
        lines_.push_back({taken.step, taken.text, {number}});
    else
        same->recipients.push_back(number);
}

Result<void> Decider::take(const Outcome& outcome, const mail::Recipient* recipient)
{
    const std::string number = recipient != nullptr ? recipient->number : "*";
    // `discard` only cancels the implicit keep (RFC 5228 section 4.4): what else delivers the message stands
    bool delivers = outcome.keeps();
    std::vector<const Taken*> redirects;
    for (const auto& taken : outcome.actions) {
        delivers = delivers || taken.step->kind == ActionKind::fileinto;
        if (taken.step->kind == ActionKind::redirect)
            redirects.push_back(&taken);
    }
    std::string kept = number;
    if (!redirects.empty()) {
        if (recipient == nullptr)
            return fail(Status::temp_fail,
                        program_.where(redirects.front()->step->at) + ": redirect needs the envelope's recipients",
                        "give them by --to, or run behind mgw-recv");
        std::size_t count = 0;
        for (const Taken* taken : redirects)
            made_.push_back({number + "." + std::to_string(++count), taken->text, recipient->parameters});
        if (delivers) {
            kept = number + "." + std::to_string(++count);
            made_.push_back({kept, recipient->path, recipient->parameters});
        }
    }
    for (const auto& taken : outcome.actions) {
        const auto kind = taken.step->kind;
        note(*taken.step);
        const bool is_idle_discard = kind == ActionKind::discard && (delivers || !redirects.empty());
        if (kind == ActionKind::fileinto)
            add(taken, kept);
        else if (verdict_action(kind) && !is_idle_discard)
            add(taken, number);
    }
    return {};
}

void Decider::write(std::size_t recipients)
{
    for (const auto& one : made_)
        block_.add_recipient(one.number, one.path, one.parameters);
    for (const auto& line : lines_) {
        std::string numbers;
        for (const auto& number : line.recipients)
            numbers.append(numbers.empty() ? "" : ",").append(number);
        const bool all = line.recipients.size() == recipients && made_.empty();
        if (all || recipients == 0)
            numbers = "*";
        const Step& step = *line.step;
        const std::string where = program_.where(step.at);
        if (step.kind == ActionKind::fileinto) {
            block_.add_mark({numbers, {{"folder", line.text}, {"by", where}}});
            continue;
        }
        mail::Verdict verdict;
        verdict.action = *verdict_action(step.kind);
        verdict.recipients = numbers;
        verdict.code = step.code;
        verdict.enhanced = step.enhanced;
        verdict.cls = step.cls.empty() ? "policy" : step.cls;
        verdict.by = tool;
        verdict.at = where;
        verdict.text = printable_ascii(trim(line.text));
        if (verdict.text.empty())
            verdict.text = default_reason(step.kind);
        block_.add_verdict(verdict);
    }
}

} // namespace

Result<Decision> decide(const Program& program, std::string_view message, mail::Block& block, const Limits& limits,
                        const RunLimits& run_limits, bool explain)
{
    Decision decision;
    View view(message, block, limits);
    Decider decider(program, block, decision);
    std::vector<std::string>* trace = explain ? &decision.trace : nullptr;
    const auto recipients = block.final_recipients();

    std::optional<Outcome> shared;
    for (std::size_t i = 0; i < std::max<std::size_t>(recipients.size(), 1); ++i) {
        const mail::Recipient* recipient = recipients.empty() ? nullptr : &recipients[i];
        if (program.differs_by_recipient || !shared) {
            if (trace != nullptr && program.differs_by_recipient && recipient != nullptr)
                trace->push_back(program.name + ": for recipient " + recipient->number + " <" +
                                 printable(recipient->path, 100) + ">");
            auto outcome = evaluate(program, view, recipient, run_limits, trace);
            if (!outcome)
                return pass(outcome);
            decision.steps += outcome->steps;
            shared = std::move(*outcome);
        }
        if (auto taken = decider.take(*shared, recipient); !taken)
            return pass(taken);
    }
    decider.write(recipients.size());
    return decision;
}

} // namespace mgw::filter
