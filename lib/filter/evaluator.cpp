#include "lib/filter/machine.hpp"

#include "lib/core/text.hpp"
#include "lib/filter/text.hpp"

#include <algorithm>

namespace mgw::filter
{

namespace
{

constexpr std::uint64_t steps_between_looks = 65'536;

const char* action_words(ActionKind kind)
{
    switch (kind) {
    case ActionKind::keep:
        return "keep";
    case ActionKind::discard:
        return "discard";
    case ActionKind::redirect:
        return "redirect to ";
    case ActionKind::fileinto:
        return "fileinto ";
    case ActionKind::reject:
        return "reject: ";
    case ActionKind::quarantine:
        return "quarantine: ";
    case ActionKind::defer:
        return "defer: ";
    case ActionKind::accept:
        return "accept: ";
    case ActionKind::set:
        return "set ";
    case ActionKind::host:
        return "";
    }
    return "";
}

} // namespace

bool Outcome::keeps() const
{
    return implicit_keep ||
           std::ranges::any_of(actions, [](const Taken& t) { return t.step->kind == ActionKind::keep; });
}

Result<Outcome> evaluate(const Program& program, View& view, const mail::Recipient* recipient, const RunLimits& limits,
                         std::vector<std::string>* trace)
{
    return Machine(program, view, recipient, limits, trace).run();
}

Result<Outcome> Machine::run()
{
    bool flag = false;
    // every jump goes ahead, so the loop ends; the limit on steps is for what a single test costs
    for (std::size_t at = 0; at < program_.code.size();) {
        const Instruction& now = program_.code[at++];
        if (auto spent = spend(1); !spent)
            return pass(spent);
        switch (now.op) {
        case Op::test: {
            auto held = test(program_.tests[now.operand]);
            if (!held)
                return pass(held);
            flag = *held;
            break;
        }
        case Op::action:
            if (auto done = action(program_.actions[now.operand]); !done)
                return pass(done);
            break;
        case Op::jump:
            at = now.operand;
            break;
        case Op::jump_if_false:
            at = flag ? at : now.operand;
            break;
        case Op::jump_if_true:
            at = flag ? now.operand : at;
            break;
        case Op::set_true:
            flag = true;
            break;
        case Op::set_false:
            flag = false;
            break;
        case Op::negate:
            flag = !flag;
            break;
        case Op::stop:
            at = program_.code.size();
            break;
        }
    }
    if (trace_ != nullptr && outcome_.implicit_keep)
        trace_->push_back(program_.name + ": keep, because nothing else was decided");
    return std::move(outcome_);
}

std::unexpected<Error> Machine::trouble(Position at, const std::string& message) const
{
    return fail(Status::temp_fail, program_.where(at) + ": " + message);
}

Result<void> Machine::spend(std::uint64_t steps)
{
    outcome_.steps += steps;
    if (outcome_.steps > limits_.steps)
        return fail(Status::temp_fail, program_.name + ": the script needs more than " + std::to_string(limits_.steps) +
                                           " steps for this message");
    if (texts_octets_ > limits_.memory_octets)
        return fail(Status::temp_fail, program_.name + ": the script's strings need more than " +
                                           std::to_string(limits_.memory_octets) + " octets for this message");
    if (outcome_.steps >= next_look_) {
        next_look_ = outcome_.steps + steps_between_looks;
        if (std::chrono::steady_clock::now() - began_ > limits_.time)
            return fail(Status::temp_fail, program_.name + ": the script needs more than " +
                                               std::to_string(limits_.time.count()) + " ms for this message");
    }
    return {};
}

std::string Machine::joined(const Text& text) const
{
    std::string out;
    for (const auto& piece : text.pieces) {
        if (!piece.variable) {
            out += piece.text;
        } else if (piece.match >= 0) {
            if (static_cast<std::size_t>(piece.match) < captures_.size())
                out += captures_[static_cast<std::size_t>(piece.match)];
        } else if (const auto found = variables_.find(piece.text); found != variables_.end()) {
            out += found->second;
        }
        if (out.size() > limits_.variable_octets) {
            out.resize(limits_.variable_octets);
            break;
        }
    }
    return out;
}

std::string_view Machine::keep_text(std::string text)
{
    texts_octets_ += text.size();
    texts_.push_back(std::move(text));
    return texts_.back();
}

std::string_view Machine::expand(const Text& text)
{
    if (text.is_literal())
        return text.literal;
    // the next instruction ends the script; until then nothing may grow
    return texts_octets_ > limits_.memory_octets ? std::string_view{} : keep_text(joined(text));
}

/// RFC 5429 section 2.1: a refused message is not delivered as well.
Result<void> Machine::check_conflicts(const Step& step) const
{
    const auto delivers = [](ActionKind kind) {
        return kind == ActionKind::keep || kind == ActionKind::fileinto || kind == ActionKind::redirect;
    };
    std::size_t redirects = 0;
    for (const auto& taken : outcome_.actions) {
        const auto kind = taken.step->kind;
        const bool refused = kind == ActionKind::reject && (delivers(step.kind) || step.kind == ActionKind::reject);
        if (refused || (step.kind == ActionKind::reject && delivers(kind)))
            return trouble(step.at, std::string(action_words(step.kind)) + "cannot follow the action of line " +
                                        std::to_string(taken.step->at.line) +
                                        ": a message is either delivered or refused");
        redirects += kind == ActionKind::redirect ? 1 : 0;
    }
    if (outcome_.actions.size() >= limits_.actions)
        return trouble(step.at, "more than " + std::to_string(limits_.actions) + " actions for one message");
    if (step.kind == ActionKind::redirect && redirects >= limits_.redirects)
        return trouble(step.at, "more than " + std::to_string(limits_.redirects) + " redirects of one message");
    return {};
}

Result<void> Machine::action(const Step& step)
{
    if (step.kind == ActionKind::set)
        return set(step);
    if (auto free = check_conflicts(step); !free)
        return free;
    std::string text(expand(step.text));
    if (trace_ != nullptr)
        trace_->push_back(program_.where(step.at) + ": " + action_words(step.kind) + printable(text));
    if (step.kind == ActionKind::fileinto && text.empty())
        return trouble(step.at, "the name of the folder is empty");
    if (step.kind == ActionKind::redirect) {
        const auto path = mail::parse_path(text);
        if (!path || !path->contains('@'))
            return trouble(step.at, "redirect to \"" + printable_ascii(text, 60) + "\", which is no address");
        text = *path;
    }
    const bool same = std::ranges::any_of(outcome_.actions, [&](const Taken& taken) {
        return taken.step->kind == step.kind && step.kind == ActionKind::redirect && iequals(taken.text, text);
    });
    if (!step.copy && step.kind != ActionKind::accept)
        outcome_.implicit_keep = false;
    if (!same)
        outcome_.actions.push_back({&step, std::move(text)});
    return {};
}

Result<void> Machine::set(const Step& step)
{
    std::string value(expand(step.text));
    for (const auto& modifier : step.modifiers)
        value = modify(std::move(value), modifier);
    if (value.size() > limits_.variable_octets)
        value.resize(limits_.variable_octets);
    std::string& variable = variables_[step.name];
    variables_octets_ = variables_octets_ - variable.size() + value.size();
    if (variables_octets_ > limits_.memory_octets)
        return trouble(step.at, "the variables need more than " + std::to_string(limits_.memory_octets) + " octets");
    variable = std::move(value);
    if (trace_ != nullptr)
        trace_->push_back(program_.where(step.at) + ": set " + step.name + " to \"" + printable(variable) + "\"");
    return {};
}

} // namespace mgw::filter
