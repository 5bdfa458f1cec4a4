#include "lib/queue/admit.hpp"
#include "lib/queue/poison.hpp"
#include "tools/mgw-queue/run.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace mgw::queue_tool
{

namespace
{

using queue::Stored;

constexpr int pipe_octets = 1 << 20;

/// --min-free: below it new mail is answered 452.
struct Guard {
    std::uint64_t octets = 64U << 20;
    std::uint64_t percent = 5;
    bool smaller = true;

    static Result<Guard> parse(const std::string& text)
    {
        if (text == "auto")
            return Guard{};
        if (text.ends_with('%'))
            if (const auto percent = parse_number(text.substr(0, text.size() - 1)); percent && *percent <= 100)
                return Guard{.octets = 0, .percent = *percent, .smaller = false};
        if (const auto size = parse_size(text))
            return Guard{.octets = *size, .percent = 0, .smaller = false};
        return fail(Status::usage, "no size: --min-free=" + printable(text, 40), "write 64M, 5% or auto");
    }

    bool low(const std::string& path) const
    {
        struct statvfs fs {};
        if (::statvfs(path.c_str(), &fs) != 0)
            return false;
        const std::uint64_t share = static_cast<std::uint64_t>(fs.f_blocks) * fs.f_frsize / 100 * percent;
        const std::uint64_t wanted = smaller ? std::min(octets, share) : std::max(octets, share);
        return static_cast<std::uint64_t>(fs.f_bavail) * fs.f_frsize < wanted || (fs.f_files > 0 && fs.f_favail == 0);
    }
};

/// A transaction between its reading and its answer.
struct Work {
    mail::Frame* frame = nullptr;
    queue::Admission admission;
    std::size_t group = 0; ///< in the batch; only where `keeps`
    bool keeps = false;
};

class Sink {
public:
    Sink(cli::Tool& tool, const Options& options, const std::string& path, Guard guard)
        : tool_(tool), options_(options), path_(path), guard_(guard), dsn_(dsn_options(options)),
          spool_(path, {.segment_octets = options.segment_octets, .clock = tool.clock()},
                 [&tool](const std::string& what) { tool.warn(what); }),
          stream_(tool, options.stream, options.envelope),
          poison_([this] { return state::open_store({.location = path_ + "/poison.sqlite", .password_file = {}}); })
    {}

    Result<Status> run()
    {
        if (!tool_.common().dry_run)
            if (auto taken = spool_.take_lane(); !taken)
                return pass(taken);
        if (const auto key = stream_.input().key(); !key) // made on first use, which confinement would forbid
            return std::unexpected(key.error());
        if (auto confined = confine({.read = options_.stream.operands, .write = {path_}}, tool_.common().sandbox);
            !confined)
            return pass(confined);
        if (auto ready = stream_.ready(); !ready)
            return pass(ready);
        for (;;) {
            auto batch = stream_.wait();
            if (!batch)
                return pass(batch);
            if (batch->empty())
                return stream_.status();
            if (auto taken = take(*batch); !taken)
                return pass(taken);
        }
    }

private:
    Result<void> take(std::vector<cli::Item>& batch)
    {
        const auto begin = std::chrono::steady_clock::now();
        if (!stream_.has_reader())
            return fail(Status::temp_fail, "nobody reads the answers: nothing more is kept");
        std::vector<Work> works;
        std::vector<queue::Group> groups;
        octets_.clear();
        for (auto& item : batch)
            prepare(item.frame, works, groups);
        commit(works, groups);
        for (auto& work : works) {
            if (auto answered = stream_.answer(*work.frame, work.admission.answers); !answered)
                return answered;
            record(work, std::chrono::steady_clock::now() - begin);
        }
        return {};
    }

    void refuse(Work& work, int code, const std::string& enhanced, const std::string& text)
    {
        work.admission.answers = queue::answer_all(work.frame->members[0].block, code, enhanced, text);
        work.keeps = false;
    }

    void prepare(mail::Frame& frame, std::vector<Work>& works, std::vector<queue::Group>& groups)
    {
        auto& work = works.emplace_back(Work{.frame = &frame});
        const auto& block = frame.members[0].block;
        if (block.final_recipients().empty()) { // a message that nobody would get is not kept in silence
            mail::Answer answer;
            answer.number = "*";
            answer.code = 451;
            answer.enhanced = "4.3.0";
            answer.text = "no recipient is known, name one with --to";
            work.admission.answers = {answer};
            work.keeps = false;
            return;
        }
        if (const auto deadline = block.deadline(); deadline > 0 && boot_seconds() > deadline)
            return refuse(work, 451, "4.3.0", "the deadline has passed");
        if (!tool_.common().dry_run)
            if (auto judged = poison_.judge(frame, tool_.clock().now()); !judged)
                tool_.complain(judged.error()); // the stage's own failure stands: the message is deferred
        work.admission =
            queue::admit(frame, options_.mixed == "defer" ? queue::Mixed::defer : queue::Mixed::quarantine);
        auto random = tool_.random().fork(frame.id);
        auto told = queue::notices(frame, work.admission, dsn_, tool_.clock().now(), random);
        if (!told)
            return refuse(work, 451, "4.3.0", told.error().message);
        if (work.admission.keep.empty() && told->empty())
            return;
        if (guard_.low(path_))
            return refuse(work, 452, "4.3.1", "insufficient system storage");
        queue::Group group;
        for (std::size_t i = 0; i < work.admission.keep.size(); ++i)
            group.push_back({.type = queue::Type::message,
                             .header = queue::header_text(work.admission.keep[i]),
                             .body = frame.members[work.admission.members[i]].message});
        for (auto& notice : *told) {
            octets_.push_back(std::move(notice.message));
            group.push_back(
                {.type = queue::Type::message, .header = queue::header_text(notice), .body = octets_.back()});
        }
        work.keeps = true;
        work.group = groups.size();
        groups.push_back(std::move(group));
    }

    /// One flush for all; where space is short each transaction has its own chance.
    void commit(std::vector<Work>& works, std::vector<queue::Group>& groups)
    {
        if (tool_.common().dry_run && stream_.frames()) { // a 250 would be a promise
            for (auto& work : works)
                if (work.keeps)
                    refuse(work, 451, "4.3.0", "dry run: nothing was kept");
            return;
        }
        if (groups.empty() || tool_.common().dry_run)
            return;
        if (spool_.commit(groups))
            return;
        for (auto& work : works) {
            if (!work.keeps)
                continue;
            std::vector<queue::Group> one;
            one.push_back(std::move(groups[work.group]));
            auto kept = groups.size() > 1 && spool_.no_space() ? spool_.commit(one) : Result<void>(fail_commit());
            if (!kept)
                refuse(work, spool_.no_space() ? 452 : 451, spool_.no_space() ? "4.3.1" : "4.3.0",
                       spool_.no_space() ? "insufficient system storage" : "the queue cannot be written");
        }
    }

    static std::unexpected<Error> fail_commit() { return fail(Status::temp_fail, "not kept"); }

    void record(const Work& work, std::chrono::steady_clock::duration took)
    {
        const auto& block = work.frame->members[0].block;
        std::vector<std::string> to;
        std::vector<std::string> codes;
        for (const auto& recipient : block.final_recipients()) {
            to.push_back(recipient.path);
            for (const auto& answer : work.admission.answers)
                if (answer.number == recipient.number)
                    codes.push_back(std::to_string(answer.code) + " " + answer.enhanced + " " + answer.text);
        }
        Record record;
        record.text("id", work.frame->id).text("stage", "queue").text("result", work.keeps ? "kept" : "not kept");
        record.address("from", block.from().value_or("")).addresses("to", to).list("codes", codes);
        record.number("size", static_cast<std::int64_t>(work.frame->members[0].message.size()));
        record.real("ms", std::chrono::duration<double, std::milli>(took).count());
        record.real("fsync_ms", work.keeps ? spool_.flush_milliseconds() : 0);
        tool_.log().write(tool_.clock().now(), record);
        for (std::size_t i = 0; i < to.size() && i < codes.size(); ++i)
            tool_.explain(work.frame->id + " <" + to[i] + ">: " + codes[i]);
    }

    cli::Tool& tool_;
    const Options& options_;
    const std::string& path_;
    Guard guard_;
    queue::DsnOptions dsn_;
    queue::Spool spool_;
    cli::SinkStream stream_;
    queue::PoisonBook poison_;
    std::deque<std::string> octets_; ///< of notices, until the commit
};

} // namespace

Result<Status> add(cli::Tool& tool, const Options& options, const std::string& spool)
{
    const auto guard = Guard::parse(options.min_free);
    if (!guard)
        return std::unexpected(guard.error());
    if (auto made = queue::make_spool(spool); !made)
        return pass(made);
    if (tool.common().check)
        return Status::ok;
    // One flush serves all that wait: the larger the pipe, the more can wait.
    ::fcntl(STDIN_FILENO, F_SETPIPE_SZ, pipe_octets);
    return Sink(tool, options, spool, *guard).run();
}

} // namespace mgw::queue_tool
