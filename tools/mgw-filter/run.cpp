#include "tools/mgw-filter/run.hpp"

#include "lib/core/child.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"
#include "lib/filter/compiler.hpp"
#include "lib/filter/decide.hpp"
#include "lib/filter/each.hpp"
#include "tools/mgw-filter/edits.hpp"
#include "tools/mgw-filter/parts.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace mgw::filter_tool
{

namespace
{

constexpr std::size_t shown_problems = 20;

/// Whether a policy's name that no file has is a command, mistyped in a letter or two that stand together.
bool is_meant(std::string_view name)
{
    const auto is_near = [name](std::string_view command) {
        const auto ahead = std::ranges::mismatch(name, command);
        std::string_view a(ahead.in1, name.end());
        std::string_view b(ahead.in2, command.end());
        while (!a.empty() && !b.empty() && a.back() == b.back()) {
            a.remove_suffix(1);
            b.remove_suffix(1);
        }
        return a.size() <= 2 && b.size() <= 2;
    };
    return std::ranges::any_of(std::array<std::string_view, 4>{"parts", "diff", "undo", "redo"}, is_near);
}

/// Compiles the policy; of several problems all but the last are reported here, the last is the error.
Result<filter::Program> load_policy(cli::Tool& tool, const Options& options)
{
    auto script = read_file(options.policy, filter::ScriptLimits{}.octets + 1);
    if (!script)
        return fail(Status::config, script.error().message,
                    is_meant(options.policy) ? "the commands are parts, diff, undo and redo: mgw-filter parts [FILE]…"
                                             : script.error().hint);
    filter::CompileOptions how;
    how.name = options.policy.substr(options.policy.rfind('/') + 1);
    how.version = MGW_VERSION;
    how.allow_virus_override = options.allow_override == "virus";
    auto compiled = filter::compile(*script, how);
    if (compiled.program)
        return std::move(*compiled.program);
    if (compiled.problems.size() > shown_problems)
        compiled.problems.resize(shown_problems);
    for (std::size_t i = 0; i + 1 < compiled.problems.size(); ++i) {
        const auto& problem = compiled.problems[i];
        tool.complain({Status::config, describe(problem, options.policy), problem.hint});
    }
    const auto& last = compiled.problems.back();
    return fail(Status::config, describe(last, options.policy), last.hint);
}

class PolicyStage : public cli::Stage {
public:
    explicit PolicyStage(const Options& options) : options_(options) {}

    Result<void> prepare(cli::Tool& tool) override
    {
        auto program = load_policy(tool, options_);
        if (!program)
            return pass(program);
        program_ = std::move(*program);
        return {};
    }

    std::string basis() const override { return program_->hash; }
    Rights rights() const override { return {}; }

    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        context.record.text("policy", program_->hash);
        auto decision =
            filter::decide(*program_, subject.message, subject.block, context.limits, {}, context.explaining);
        if (!decision)
            return pass(decision);
        for (const auto& line : decision->trace)
            context.explain(line);
        if (!decision->lines.empty())
            context.record.list("rules", decision->lines);
        context.record.number("steps", static_cast<std::int64_t>(decision->steps));
        subject.block.add_result("mgw-filter", {{"policy", program_->hash}});
        return {};
    }

private:
    const Options& options_;
    std::optional<filter::Program> program_;
};

class EachStage : public cli::Stage {
public:
    explicit EachStage(const Options& options)
        : options_(options), name_(options.each.front().substr(options.each.front().rfind('/') + 1))
    {}

    Result<void> prepare(cli::Tool&) override
    {
        if (find_program(options_.each.front()).empty())
            return fail(Status::config, "no such program: " + printable(options_.each.front()),
                        "look at PATH, or name it with its folder");
        if (std::chrono::seconds(options_.each_timeout) >= options_.stage.timeout)
            return fail(Status::usage, "--each-timeout must be shorter than --timeout",
                        "the stage needs time to say what went wrong");
        return {};
    }

    std::string basis() const override
    {
        std::string out;
        for (const auto& word : options_.each)
            out.append(word) += '\0';
        return out;
    }
    Rights rights() const override { return {.programs = true}; }

    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        filter::EachLimits limits;
        limits.time = std::chrono::seconds(options_.each_timeout);
        limits.output_octets = context.limits.message_octets;
        context.record.text("program", name_);
        auto answer = filter::run_each(options_.each, subject.message, limits);
        if (!answer)
            return pass(answer);
        const auto status = static_cast<Status>(answer->status);
        context.record.number("program-status", answer->status);
        context.explain(name_ + ": exit status " + std::to_string(answer->status) +
                        (answer->reason.empty() ? "" : ": " + answer->reason));
        if (status == Status::ok) {
            filter::splice_difference(subject.message, answer->output, subject.edits);
            return {};
        }
        const bool refused = status == Status::refused;
        mail::Verdict verdict;
        verdict.action = refused ? mail::Action::reject : mail::Action::defer;
        verdict.cls = "policy";
        verdict.by = "mgw-filter";
        verdict.at = name_;
        verdict.text =
            !answer->reason.empty() ? answer->reason : (refused ? "Refused by policy" : "Please try again later");
        subject.block.add_verdict(verdict);
        return {};
    }

private:
    const Options& options_;
    std::string name_;
};

Result<Status> run_filter(cli::Tool& tool, Options& options)
{
    if (options.has_each) {
        if (!options.policy.empty())
            return fail(Status::usage, "--policy and --each exclude each other",
                        "run two stages: mgw-filter … | mgw-filter …");
        if (options.each.empty())
            return fail(Status::usage, "--each needs a command", "for example: mgw-filter --each ./my-filter.sh");
        EachStage stage(options);
        if (!tool.common().check)
            return run_stage(tool, options.stage, stage);
        if (auto ready = stage.prepare(tool); !ready)
            return pass(ready);
        tool.warn(printable(options.each.front()) +
                  " will run unconfined: only mgw's own tools give up rights they do not need");
        return Status::ok;
    }
    auto& operands = options.stage.stream.operands;
    if (options.policy.empty()) {
        if (operands.empty())
            return fail(Status::usage, "no policy given", "mgw-filter POLICY.sieve <message");
        options.policy = operands.front();
        operands.erase(operands.begin());
    }
    if (tool.common().check) {
        auto program = load_policy(tool, options);
        return program ? Result<Status>(Status::ok) : pass(program);
    }
    PolicyStage stage(options);
    return run_stage(tool, options.stage, stage);
}

} // namespace

Result<Status> run(cli::Tool& tool, Options& options)
{
    switch (options.command) {
    case Command::parts:
        return parts(tool, options);
    case Command::diff:
        return diff(tool, options);
    case Command::undo:
    case Command::redo:
        return replay(tool, options);
    case Command::none:
        return run_filter(tool, options);
    }
    std::unreachable();
}

} // namespace mgw::filter_tool
