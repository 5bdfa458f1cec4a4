#include "tools/mgw-queue/run.hpp"

#include "lib/core/child.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <iostream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mgw::queue_tool
{

namespace
{

void say(cli::Tool& tool, const queue::Entry& entry, const std::string& what)
{
    if (!tool.common().json)
        std::cout << queue::id_text(entry.id) << ' ' << what << '\n';
    Record record;
    record.text("id", entry.mgw_id)
        .text("stage", "queue")
        .text("result", what)
        .text("queue_id", queue::id_text(entry.id));
    tool.log().write(tool.clock().now(), record);
}

Result<void> commit_events(cli::Tool& tool, queue::Spool& spool, const std::vector<const queue::Entry*>& entries,
                           queue::Type type, const queue::Event& event)
{
    if (entries.empty() || tool.common().dry_run)
        return {};
    std::vector<queue::Group> groups;
    for (const auto* entry : entries)
        groups.push_back({{.type = type,
                           .id = entry->id,
                           .not_before_us = entry->event_us + 1,
                           .header = queue::header_text(event)}});
    return spool.commit(groups);
}

/// The message as the release pipeline reads it: only the recipients that wait, and verdicts that let them pass.
mail::Frame released_frame(const queue::Entry& entry, queue::Stored stored)
{
    auto& block = stored.block;
    std::vector<mail::Recipient> waiting;
    for (const auto& recipient : block.final_recipients())
        if (std::ranges::any_of(entry.recipients,
                                [&](const queue::Pending& p) { return p.number == recipient.number; }))
            waiting.push_back(recipient);
    block.remove_lines("Mgw-To");
    block.remove_lines("Mgw-Deadline");
    for (const auto& recipient : waiting)
        block.add_recipient(recipient.number, recipient.path, recipient.parameters);
    std::vector<std::string> classes;
    for (const auto& verdict : block.verdicts())
        if (verdict.action != mail::Action::accept && std::ranges::find(classes, verdict.cls) == classes.end())
            classes.push_back(verdict.cls);
    for (const auto& cls : classes)
        if (!cls.empty())
            block.add_verdict({.action = mail::Action::accept, .cls = cls, .by = "mgw-queue", .text = "released"});
    // A verdict without a class, and an own failure, has no accept that cancels it; whoever releases has decided on the
    // message itself.
    if (block.strictest().action != mail::Action::accept) {
        block.remove_lines("Mgw-Verdict");
        block.add_verdict({.action = mail::Action::accept, .cls = "policy", .by = "mgw-queue", .text = "released"});
    }
    mail::Frame frame{.id = entry.mgw_id};
    frame.members.push_back({std::move(block), std::move(stored.message)});
    return frame;
}

/// Runs `frames` through the stages; returns the answer lines of the last one.
Result<std::vector<mail::Answer>> through(const std::string& pipeline, const std::string& frames,
                                          const std::string& spool)
{
    auto stages = split_pipeline(pipeline);
    if (!stages)
        return pass(stages);
    auto feed = make_pipe();
    if (!feed)
        return pass(feed);
    std::vector<Child> children;
    Fd in = std::move(feed->first);
    std::optional<Error> failed;
    for (auto& stage : *stages) {
        stage.emplace_back("--input=frames");
        auto pipe = make_pipe();
        if (!pipe)
            return pass(pipe);
        auto child = start_child(stage, {.in = in.value(), .out = pipe->second.value()}, {"MGW_SPOOL=" + spool});
        in = std::move(pipe->first);
        if (!child) {
            failed = child.error();
            break;
        }
        children.push_back(*child);
    }
    Result<std::string> answers{std::string{}};
    if (!failed) {
        std::jthread writer([&] {
            [[maybe_unused]] const auto written = write_all(feed->second.value(), frames);
            feed->second.reset();
        });
        answers = read_all(in.value(), 64U << 20);
    }
    feed->second.reset();
    in.reset();
    for (const auto& child : children) {
        int status = 0;
        ::waitpid(child.pid, &status, 0);
        if (status != 0 && !failed)
            failed = Error{Status::temp_fail, child.name + ": " + describe_wait_status(status)};
    }
    if (failed)
        return std::unexpected(std::move(*failed));
    if (!answers)
        return pass(answers);
    std::vector<mail::Answer> out;
    for (const auto line : split(*answers, '\n'))
        if (auto answer = mail::parse_answer(line); answer && !answer->done)
            out.push_back(std::move(*answer));
    return out;
}

} // namespace

Result<Status> change(cli::Tool& tool, const Options& options, queue::Spool& spool)
{
    auto entries = chosen(options, spool);
    if (!entries)
        return pass(entries);
    queue::Event event{.reason = options.reason};
    auto type = queue::Type::hold;
    const char* what = "held";
    if (options.command == Command::remove) {
        type = queue::Type::drop;
        what = "deleted";
    } else if (options.command == Command::retry) {
        type = queue::Type::attempt;
        event.next_us = 0;
        what = "due now";
    } else if (options.command == Command::release) {
        type = queue::Type::release;
        what = "released";
    }
    if (auto committed = commit_events(tool, spool, *entries, type, event); !committed)
        return pass(committed);
    for (const auto* entry : *entries)
        say(tool, *entry, what);
    return Status::ok;
}

Result<Status> release(cli::Tool& tool, const Options& options, queue::Spool& spool)
{
    auto entries = chosen(options, spool);
    if (!entries)
        return pass(entries);
    const bool any = std::ranges::any_of(*entries, [](const auto* entry) { return entry->quarantined; });
    if (!any)
        return change(tool, options, spool);
    if (options.release_pipeline.empty())
        return fail(Status::usage, "a message is in quarantine: it leaves through a pipeline only",
                    "--release-pipeline='mgw-route | mgw-crypt | mgw-queue add'");
    if (tool.common().dry_run)
        return Status::ok;
    auto status = Status::ok;
    for (const auto* entry : *entries) {
        std::vector<const queue::Entry*> one{entry};
        if (!entry->quarantined) {
            if (auto committed = commit_events(tool, spool, one, queue::Type::release, {}); !committed)
                return pass(committed);
            say(tool, *entry, "released");
            continue;
        }
        auto stored = spool.read(*entry);
        if (!stored)
            return pass(stored);
        auto answers =
            through(options.release_pipeline, frame_octets(released_frame(*entry, std::move(*stored))), spool.path());
        if (!answers)
            return pass(answers);
        const auto refused = std::ranges::find_if(*answers, [](const auto& answer) { return answer.code / 100 != 2; });
        if (answers->empty() || refused != answers->end()) {
            tool.warn(queue::id_text(entry->id) + " stays in quarantine: " +
                      (answers->empty() ? "the pipeline gave no answer"
                                        : std::to_string(refused->code) + " " + refused->text));
            status = Status::temp_fail;
            continue;
        }
        if (auto committed = commit_events(tool, spool, one, queue::Type::drop, {.reason = "released from quarantine"});
            !committed)
            return pass(committed);
        say(tool, *entry, "released from quarantine");
    }
    return status;
}

} // namespace mgw::queue_tool
