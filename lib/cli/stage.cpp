#include "lib/cli/stage.hpp"

#include "lib/cli/impl.hpp"
#include "lib/cli/output.hpp"
#include "lib/cli/progress.hpp"
#include "lib/cli/resume.hpp"
#include "lib/cli/workers.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <csignal>
#include <map>
#include <thread>
#include <unistd.h>

namespace mgw::cli
{

namespace
{

void declare_working_options(Tool& tool, CLI::App& app, StageOptions& options)
{
    tool.choices(app.add_option("--on-error", options.on_error, "What this stage's own failure means for a message.")
                     ->type_name("ACTION")
                     ->capture_default_str(),
                 {"defer", "pass", "quarantine"});
    app.add_flag("--exit-verdict", options.exit_verdict,
                 "Let the exit status tell the verdict: 75 for defer, 77 for reject, discard and quarantine, with "
                 "nothing on standard output; of many messages all are written and the status tells the worst.");
    app.add_option("--jobs", options.jobs,
                   "Worker processes, 1 to 256; the default is what suits this stage on this machine.")
        ->type_name("N")
        ->check(CLI::Range(1, 256).description(""));
    app.add_option_function<std::string>(
           "--memory", [&options](const std::string& value) { options.memory_octets = *parse_size(value); },
           "Octets that messages in work may take before reading stops, with k, M or G behind it. Default: 256M.")
        ->type_name("SIZE")
        ->check(CLI::Validator(
            [](std::string& value) {
                return parse_size(value).value_or(0) > 0 ? std::string{} : "a size is wanted, such as 256M";
            },
            ""));
    app.add_option_function<unsigned>(
           "--timeout", [&options](unsigned value) { options.timeout = std::chrono::seconds{value}; },
           "Seconds that one message may take, 1 to 3600. Default: 60.")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 3600).description(""));
    tool.hint(app.add_option("--resume", options.resume,
                             "Keep in FILE how far a run over many messages came; with the same FILE it goes on there.")
                  ->type_name("FILE"),
              Complete::file);
}

} // namespace

void declare_stage_options(Tool& tool, CLI::App& app, StageOptions& options)
{
    declare_envelope_options(tool, app, options.envelope); // first: they are what procmail's and pipe(8)'s lines name
    declare_stream_options(tool, app, options.stream);
    tool.later(app, [&] { declare_working_options(tool, app, options); });
}

namespace
{

constexpr std::size_t large_output = 4U << 20;

/// One message has no worker that could be killed over it: the process ends itself, as a failure that passes.
void out_of_time(int)
{
    constexpr std::string_view text = "the message took longer than --timeout\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    ::_exit(static_cast<int>(Status::temp_fail));
}

class Runner {
public:
    Runner(Tool& tool, const StageOptions& options, Stage& stage, int in_fd, int out_fd)
        : tool_(tool), options_(options), stage_(stage), out_fd_(out_fd),
          input_(tool, options.stream, options.envelope, in_fd)
    {}

    Result<Status> run()
    {
        if (auto prepared = stage_.prepare(tool_); !prepared)
            return pass(prepared);
        if (tool_.common().check) {
            tool_.explain("the configuration is good");
            return Status::ok;
        }
        const Kind out_kind = options_.stream.output == Kind::automatic ? input_.kind() : options_.stream.output;
        auto key = input_.key();
        if (!key)
            return pass(key);
        if (!options_.resume.empty()) {
            auto resume = Resume::begin(tool_, options_.resume, options_.stream, stage_.basis(), input_, out_fd_);
            if (!resume)
                return pass(resume);
            resume_.emplace(std::move(*resume));
            note_status(resume_->status());
        }
        output_.emplace(out_kind, options_.stream.block, std::move(*key),
                        resume_.has_value() || options_.stream.shard.count > 1);
        work_ =
            Work{tool_.clock(), tool_.random(), tool_.common().limits, tool_.common().dry_run, tool_.common().explain};
        if (tool_.common().sandbox == SandboxMode::require && stage_.rights().programs)
            tool_.warn(
                "--sandbox=require holds for what the kernel can do; this stage starts programs and is not confined");
        // one message needs no worker: the process itself is the one that can be hurt
        return input_.kind() == Kind::message ? one_message() : many();
    }

private:
    Result<void> start_and_confine()
    {
        if (auto started = stage_.start(); !started)
            return started;
        return confine_self();
    }

    Result<void> confine_self(bool has_workers = false)
    {
        Rights rights = stage_.rights();
        rights.signals = rights.signals || has_workers; // it ends workers that take too long
        if (has_workers && resume_)
            rights.write.push_back(resume_->folder());
        rights.read.insert(rights.read.end(), options_.stream.operands.begin(), options_.stream.operands.end());
        auto confined = confine(rights, tool_.common().sandbox);
        if (!confined)
            return pass(confined);
        return {};
    }

    Result<Status> one_message()
    {
        if (auto started = start_and_confine(); !started)
            return pass(started);
        auto item = input_.next();
        if (!item)
            return pass(item);
        if (!*item)
            return Status::ok;
        ::signal(SIGALRM, out_of_time);
        ::alarm(static_cast<unsigned>(options_.timeout.count()));
        TransactionResult result = process(stage_, (*item)->frame, work_);
        ::alarm(0);
        const std::string error = result.members[0].error;
        const std::string hint = result.members[0].hint;
        apply(**item, std::move(result));
        if (!error.empty() && options_.on_error == "defer")
            return fail(Status::temp_fail, (*item)->name + ": " + error, hint);
        const mail::Verdict verdict = (*item)->frame.members[0].block.strictest();
        if (options_.exit_verdict && verdict.action != mail::Action::accept) {
            const std::string why = std::string(mail::action_name(verdict.action)) + ": " +
                                    addressees((*item)->frame.members[0].block, verdict) +
                                    (verdict.text.empty() ? "class " + verdict.cls : verdict.text) +
                                    (verdict.at.empty() ? "" : " (" + verdict.at + ")");
            return fail(verdict.action == mail::Action::defer ? Status::temp_fail : Status::refused, why);
        }
        if ((*item)->frame.members.size() > 1 && output_->kind() == Kind::message)
            tool_.warn("messages that this stage made are not written: one message is wanted on standard output");
        if ((*item)->frame.members[0].block.effects().size() > 0 && output_->kind() != Kind::frames)
            tool_.warn("a change of state is left undone: only a sink performs it");
        if (auto written = write_all(out_fd_, octets_of(**item)); !written)
            return pass(written);
        return Status::ok;
    }

    Result<Status> many()
    {
        const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
        const unsigned jobs =
            options_.jobs != 0 ? options_.jobs : (stage_.default_jobs() != 0 ? stage_.default_jobs() : cores);
        Workers workers(stage_, work_, jobs, options_.timeout, [this] { return start_and_confine(); });
        if (auto forked = workers.fork_all(); !forked)
            return pass(forked);
        if (auto confined = confine_self(true); !confined)
            return pass(confined);
        const bool stream = input_.is_stream();
        Progress progress(tool_);
        const bool watched = progress.is_shown() && !stream;
        bool more = true;
        std::optional<Error> broken;
        std::vector<Finished> finished;
        while (more || !workers.idle()) {
            // what waits for its turn to be written counts as in work
            const bool room = more && (workers.octets() + ready_octets_ < options_.memory_octets || workers.idle()) &&
                              workers.queued() < std::size_t{jobs} * 64;
            if (room && !stream) {
                auto item = input_.next();
                if (!item)
                    broken = item.error();
                more = item && *item;
                if (more)
                    submit(workers, std::move(**item));
            }
            // operands and mboxes are read on while all workers have something to do
            const bool fill = room && more && !stream && workers.queued() < jobs;
            auto readable = workers.turn(stream && room ? input_.fd() : -1,
                                         std::chrono::milliseconds(fill ? 0 : (watched ? 250 : 10000)), finished);
            if (!readable)
                return pass(readable);
            if (*readable) {
                auto got = input_.read_some();
                if (!got)
                    broken = got.error();
                more = got && *got;
            }
            while (stream && !broken) {
                auto item = input_.take();
                if (!item)
                    broken = item.error();
                if (!item || !*item)
                    break;
                submit(workers, std::move(**item));
            }
            if (broken)
                more = false;
            for (auto& done : finished)
                finish(std::move(done));
            finished.clear();
            if (auto written = write_out(); !written)
                return pass(written);
            if (watched)
                progress.show(input_);
        }
        if (resume_ && !broken)
            if (auto ended = resume_->finish(input_.position(), all_status()); !ended)
                return pass(ended);
        if (resume_ && broken && out_position_)
            if (auto noted = resume_->wrote(*out_position_, 0, all_status(), true); !noted)
                return pass(noted);
        if (broken)
            return std::unexpected(*broken);
        return input_.kind() == Kind::frames ? Status::ok : all_status();
    }

    /// Writes what is ready, and notes how far it goes.
    Result<void> write_out()
    {
        if (out_.empty())
            return {};
        if (auto written = write_all(out_fd_, out_); !written)
            return written;
        if (resume_ && out_position_)
            if (auto noted = resume_->wrote(*out_position_, out_.size(), all_status()); !noted)
                return noted;
        if (out_.capacity() > large_output)
            out_.shrink_to_fit();
        out_.clear();
        return {};
    }

    /// What the messages so far make the exit status.
    Status all_status() const
    {
        if (failed_)
            return Status::temp_fail;
        return options_.exit_verdict ? verdict_status_ : Status::ok;
    }

    /// Takes over what an interrupted run had.
    void note_status(Status status)
    {
        failed_ = status == Status::temp_fail;
        verdict_status_ = status;
    }

    /// Whom a verdict is about, unless it is about all.
    static std::string addressees(const mail::Block& block, const mail::Verdict& verdict)
    {
        std::string out;
        for (const auto& recipient : block.recipients())
            if (verdict.recipients != "*" && mail::covers(verdict.recipients, recipient.number))
                out += (out.empty() ? "" : ", ") + printable(recipient.path, 100);
        return out.empty() ? out : out + ": ";
    }

    void submit(Workers& workers, Item item)
    {
        Task task;
        for (const auto& member : item.frame.members)
            task.octets += member.message.size() + 1024;
        task.item = std::move(item);
        task.sequence = next_in_++;
        workers.submit(std::move(task));
    }

    void finish(Finished done)
    {
        if (!done.failure.empty())
            for (const auto& member : done.task.item.frame.members)
                done.result.members.push_back(MemberResult{member.block.text(), {}, done.failure, {}});
        apply(done.task.item, std::move(done.result), done.deaths);
        const mail::Verdict verdict = done.task.item.frame.members[0].block.strictest();
        if (verdict.action != mail::Action::accept)
            verdict_status_ = verdict.action == mail::Action::defer && verdict_status_ != Status::refused
                                  ? Status::temp_fail
                                  : Status::refused;
        if (input_.kind() == Kind::frames) { // frames may overtake each other
            out_ += octets_of(done.task.item);
            return;
        }
        ready_octets_ += done.task.octets;
        ready_.emplace(done.task.sequence, std::move(done.task));
        for (auto at = ready_.begin(); at != ready_.end() && at->first == next_out_; ++next_out_) {
            out_ += octets_of(at->second.item);
            out_position_ = at->second.item.position;
            ready_octets_ -= at->second.octets;
            at = ready_.erase(at);
        }
    }

    /// What goes out for an item; under --dry-run what came in, with a block only if it brought one.
    std::string octets_of(const Item& item)
    {
        if (tool_.common().dry_run)
            return output_->octets(item, item.block_was_believed ? BlockMode::keep : BlockMode::strip);
        return output_->octets(item);
    }

    /// Puts what the stage made into the item, and what its failure means. `deaths` of workers are the reason of it.
    void apply(Item& item, TransactionResult result, unsigned deaths = 0)
    {
        auto& members = item.frame.members;
        std::string failure;
        for (std::size_t i = 0; i < members.size(); ++i) {
            MemberResult missing{members[i].block.text(), {}, "the stage gave no result", {}};
            MemberResult& made = i < result.members.size() ? result.members[i] : missing;
            if (made.error.empty() && !tool_.common().dry_run) {
                auto block = mail::Block::parse(made.block, work_.limits);
                auto message =
                    made.edits.empty() ? Result<std::string>(std::string{}) : made.edits.apply(members[i].message);
                if (block && message) {
                    if (!made.edits.empty())
                        members[i].message = std::move(*message);
                    members[i].block = std::move(*block);
                } else {
                    made.error = !block ? block.error().message : message.error().message;
                }
            }
            if (!made.error.empty()) {
                failure = made.error;
                note_failure(members[i].block, made.error, deaths);
            }
        }
        if (!tool_.common().dry_run)
            for (auto& created : result.created)
                members.push_back(std::move(created));
        if (!failure.empty()) {
            failed_ = true;
            if (input_.kind() != Kind::message)
                tool_.complain(Error{Status::temp_fail, item.name + ": " + printable(failure), {}});
        }
        if (tool_.common().explain && !result.explanation.empty() && input_.kind() != Kind::message)
            tool_.explain((input_.kind() == Kind::mbox ? item.name + ", " : "") + item.frame.id + ":");
        if (tool_.common().explain)
            for (const auto line : split(result.explanation, '\n'))
                if (!line.empty())
                    tool_.explain(printable(line, 2000));
        record(item, result, failure);
    }

    void note_failure(mail::Block& block, const std::string& error, unsigned deaths)
    {
        std::vector<std::pair<std::string, std::string>> result{{"error", printable_ascii(error, 200)}};
        if (deaths > 0)
            result.emplace_back("deaths", std::to_string(deaths));
        block.add_result(tool_.name(), result);
        if (options_.on_error == "pass")
            return;
        mail::Verdict verdict;
        verdict.action = options_.on_error == "quarantine" ? mail::Action::quarantine : mail::Action::defer;
        verdict.code = 451;
        verdict.enhanced = "4.3.0";
        verdict.cls = "error";
        verdict.by = tool_.name();
        verdict.text = error;
        block.add_verdict(verdict);
    }

    void record(const Item& item, const TransactionResult& result, const std::string& failure)
    {
        if (!tool_.log().is_open())
            return;
        const auto& member = item.frame.members.at(0);
        Record record;
        record.text("id", item.frame.id).text("stage", tool_.name());
        if (input_.kind() == Kind::mbox && !tool_.common().log_redact) // the way back to the message
            record.text("source", item.name);
        if (const auto from = member.block.from())
            record.address("from", *from);
        std::vector<std::string> to;
        for (const auto& recipient : member.block.recipients())
            to.push_back(recipient.path);
        record.addresses("to", to).number("size", static_cast<std::int64_t>(member.message.size()));
        if (const auto odd = mail::Message(member.message, work_.limits).all_oddities(); odd != mail::Oddity::none)
            record.text("flags", mail::oddity_names(odd));
        const mail::Verdict verdict = member.block.strictest();
        record.text("verdict", mail::action_name(verdict.action));
        if (verdict.action != mail::Action::accept)
            record.text("class", verdict.cls)
                .text("by", verdict.by)
                .text("at", verdict.at)
                .text("reason", verdict.text);
        if (!failure.empty())
            record.text("error", failure);
        record.real("ms", result.seconds * 1000);
        record.merge(result.record);
        tool_.log().write(tool_.clock().now(), record);
    }

    Tool& tool_;
    const StageOptions& options_;
    Stage& stage_;
    int out_fd_;
    Input input_;
    std::optional<Output> output_;
    std::optional<Resume> resume_;
    Work work_;
    bool failed_ = false;
    Status verdict_status_ = Status::ok;
    std::uint64_t next_in_ = 0;
    std::uint64_t next_out_ = 0;
    std::map<std::uint64_t, Task> ready_; ///< done, but not those before them
    std::size_t ready_octets_ = 0;
    std::string out_;
    std::optional<Position> out_position_; ///< behind the last message of out_
};

} // namespace

Result<Status> run_stage(Tool& tool, const StageOptions& options, Stage& stage, int in_fd, int out_fd)
{
    return Runner(tool, options, stage, in_fd, out_fd).run();
}

} // namespace mgw::cli
