#include "tools/mgw-archive/run.hpp"

#include "lib/archive/writer.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

namespace mgw::archive_tool
{

namespace
{

using mail::Action;
using mail::Answer;

constexpr int pipe_octets = 1 << 20;

/// A transaction between its reading and its answer.
struct Work {
    const mail::Frame* frame = nullptr;
    std::vector<Answer> answers;
    std::size_t first = 0; ///< of its writes in the batch
    std::size_t count = 0; ///< 0 where nothing of it is kept
};

std::vector<Answer> answer_all(const mail::Block& block, int code, const std::string& enhanced, const std::string& text)
{
    std::vector<Answer> out;
    for (const auto& recipient : block.final_recipients())
        out.push_back({.id = block.id(), .number = recipient.number, .code = code, .enhanced = enhanced, .text = text});
    return out;
}

/// What the verdicts say: a deferred recipient defers all, refused ones are answered so, and the message is kept for
/// the others.
void judge(Work& work, bool& keeps)
{
    const auto& block = work.frame->members[0].block;
    const auto recipients = block.final_recipients();
    keeps = recipients.empty();
    for (const auto& recipient : recipients) {
        const auto verdict = block.effective(recipient.number);
        Answer answer{
            .id = block.id(), .number = recipient.number, .code = 250, .enhanced = "2.0.0", .text = "discarded"};
        if (verdict.action == Action::defer || verdict.action == Action::reject) {
            const bool defers = verdict.action == Action::defer;
            answer.code = verdict.code != 0 ? verdict.code : (defers ? 451 : 550);
            answer.enhanced = !verdict.enhanced.empty() ? verdict.enhanced : (defers ? "4.7.1" : "5.7.1");
            answer.text = !verdict.text.empty() ? verdict.text : (defers ? "try again later" : "refused");
            if (defers) {
                work.answers = answer_all(block, answer.code, answer.enhanced, answer.text);
                keeps = false;
                return;
            }
        } else if (verdict.action != Action::discard) {
            keeps = true;
            answer.text.clear();
        }
        work.answers.push_back(std::move(answer));
    }
}

class Sink {
public:
    Sink(cli::Tool& tool, const Options& options, const std::string& archive)
        : tool_(tool), options_(options), archive_(archive),
          writer_(archive, {.pack_octets = options.pack_octets, .clock = tool.clock(), .random = tool.random()}),
          stream_(tool, options.stream, options.envelope)
    {}

    Result<Status> run()
    {
        if (const auto key = stream_.input().key(); !key) // made on first use, which confinement would forbid
            return std::unexpected(key.error());
        if (auto confined = confine({.read = options_.stream.operands, .write = {archive_}}, tool_.common().sandbox);
            !confined)
            return pass(confined);
        if (auto ready = stream_.ready(); !ready)
            return pass(ready);
        for (;;) {
            auto batch = stream_.wait();
            if (!batch)
                return pass(batch);
            if (batch->empty())
                return failed_ ? Status::temp_fail : stream_.status();
            if (!stream_.has_reader())
                return fail(Status::temp_fail, "nobody reads the answers: nothing more is kept");
            if (auto taken = take(*batch); !taken)
                return pass(taken);
        }
    }

private:
    Result<void> take(const std::vector<cli::Item>& batch)
    {
        std::vector<Work> works;
        std::vector<archive::Write> writes;
        blocks_.clear();
        std::size_t members = 0;
        for (const auto& item : batch)
            members += item.frame.members.size();
        blocks_.reserve(members); // the writes look into it
        for (const auto& item : batch)
            prepare(item.frame, works, writes);
        if (!writes.empty() && !tool_.common().dry_run)
            commit(works, writes);
        for (auto& work : works)
            if (auto answered = answer(work, writes); !answered)
                return answered;
        return {};
    }

    void prepare(const mail::Frame& frame, std::vector<Work>& works, std::vector<archive::Write>& writes)
    {
        auto& work = works.emplace_back(Work{.frame = &frame});
        const auto& block = frame.members[0].block;
        if (const auto deadline = block.deadline(); deadline > 0 && boot_seconds() > deadline) {
            work.answers = answer_all(block, 451, "4.3.0", "the deadline has passed");
            return;
        }
        bool keeps = false;
        judge(work, keeps);
        if (!keeps)
            return;
        work.first = writes.size();
        work.count = frame.members.size();
        for (const auto& member : frame.members) {
            blocks_.push_back(member.block.text());
            writes.push_back({.block = blocks_.back(), .message = member.message});
        }
    }

    /// One flush for all; where that fails each transaction has its own chance.
    void commit(std::vector<Work>& works, std::vector<archive::Write>& writes)
    {
        auto kept = writer_.append(writes);
        if (kept)
            return;
        std::size_t transactions = 0;
        for (const auto& work : works)
            transactions += work.count > 0 ? 1 : 0;
        for (auto& work : works) {
            if (work.count == 0)
                continue;
            if (transactions > 1) {
                const auto from = writes.begin() + static_cast<std::ptrdiff_t>(work.first);
                std::vector<archive::Write> one(from, from + static_cast<std::ptrdiff_t>(work.count));
                kept = writer_.append(one);
                if (kept) {
                    std::ranges::copy(one, from);
                    continue;
                }
            }
            tool_.complain(kept.error());
            const bool full = writer_.no_space();
            work.count = 0;
            failed_ = failed_ || !stream_.frames();
            work.answers = answer_all(work.frame->members[0].block, full ? 452 : 451, full ? "4.3.1" : "4.3.0",
                                      full ? "insufficient system storage" : "the archive cannot be written");
        }
    }

    Result<void> answer(Work& work, const std::vector<archive::Write>& writes)
    {
        std::string ids;
        for (std::size_t i = 0; i < work.count; ++i)
            ids += (ids.empty() ? "" : " ") + writes[work.first + i].id;
        for (auto& answer : work.answers)
            if (answer.text.empty())
                answer.text = "archived " + ids;
        if (!stream_.frames())
            for (std::size_t i = 0; i < work.count && !ids.empty(); ++i)
                std::cout << writes[work.first + i].id << '\n';
        if (auto answered = stream_.answer(*work.frame, work.answers); !answered)
            return answered;
        const auto& member = work.frame->members[0];
        std::vector<std::string> to;
        for (const auto& recipient : member.block.final_recipients())
            to.push_back(recipient.path);
        Record record;
        record.text("id", work.frame->id).text("stage", "archive").text("result", work.count > 0 ? "kept" : "not kept");
        record.text("archive_id", ids).address("from", member.block.from().value_or("")).addresses("to", to);
        record.number("size", static_cast<std::int64_t>(member.message.size()));
        tool_.log().write(tool_.clock().now(), record);
        return {};
    }

    cli::Tool& tool_;
    const Options& options_;
    const std::string& archive_;
    archive::Writer writer_;
    cli::SinkStream stream_;
    std::vector<std::string> blocks_; ///< of the batch
    bool failed_ = false;             ///< a message without recipients was not kept
};

} // namespace

Result<Status> add(cli::Tool& tool, const Options& options, const std::string& archive)
{
    if (!tool.common().dry_run)
        if (auto made = archive::make_archive(archive); !made)
            return pass(made);
    if (tool.common().check)
        return Status::ok;
    // One flush serves all that wait: the larger the pipe, the more can wait.
    ::fcntl(STDIN_FILENO, F_SETPIPE_SZ, pipe_octets);
    return Sink(tool, options, archive).run();
}

} // namespace mgw::archive_tool
