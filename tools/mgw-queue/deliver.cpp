#include "lib/queue/attempt.hpp"
#include "lib/queue/schedule.hpp"
#include "tools/mgw-queue/run.hpp"
#include "tools/mgw-queue/sender.hpp"
#include "tools/mgw-queue/waker.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/file.h>
#include <unistd.h>

namespace mgw::queue_tool
{

namespace
{

using std::chrono::steady_clock;

constexpr std::size_t buffered_octets = 1U << 20; ///< of frames that the sender has not read yet
constexpr std::chrono::seconds longest_nap{5};
constexpr std::chrono::seconds reclaim_pause{30};
constexpr std::chrono::seconds longest_back_off{60};
constexpr unsigned once_restarts = 3;

struct Plan {
    Arguments command;
    queue::Schedule schedule;
    std::chrono::seconds grace{30};
};

Result<Plan> make_plan(const Options& o)
{
    Plan plan;
    auto command = split_command(o.send);
    if (!command)
        return pass(command);
    plan.command = std::move(*command);
    const std::pair<const std::string*, std::chrono::seconds*> times[] = {{&o.first_wait, &plan.schedule.first},
                                                                          {&o.longest_wait, &plan.schedule.longest},
                                                                          {&o.lifetime, &plan.schedule.lifetime},
                                                                          {&o.grace, &plan.grace}};
    for (const auto& [text, into] : times) {
        const auto duration = parse_duration(*text);
        if (!duration)
            return std::unexpected(duration.error());
        *into = *duration;
    }
    return plan;
}

class Runner {
public:
    Runner(cli::Tool& tool, const Options& options, const std::string& path, Plan plan)
        : tool_(tool), options_(options), plan_(std::move(plan)), dsn_(dsn_options(options)),
          spool_(path, {.from_top = true, .clock = tool.clock()}, [&tool](const std::string& what) { tool.warn(what); })
    {}

    Result<Status> run()
    {
        if (auto taken = spool_.take_lane(); !taken)
            return pass(taken);
        auto waker = Waker::open(spool_.path());
        if (!waker)
            return pass(waker);
        for (;;) {
            const auto signals = waker->signals();
            if (signals > 0 && !stopping_)
                stop();
            if (signals > 1 || (stopping_ && steady_clock::now() > stop_at_))
                abort_sender();
            waker->watch(spool_.path());
            if (auto read = spool_.refresh(); !read)
                return pass(read);
            if (auto begun = begin_attempts(); !begun)
                return pass(begun);
            if (auto ended = take_answers(); !ended)
                return pass(ended);
            if (auto reclaimed = reclaim(); !reclaimed)
                return pass(reclaimed);
            if (failure_)
                return std::unexpected(*failure_);
            if (finished()) {
                if (sender_)
                    end_sender();
                last_reclaim_ = {};
                if (auto reclaimed = reclaim(); !reclaimed)
                    return pass(reclaimed);
                return Status::ok;
            }
            waker->sleep(nap(), sender_ ? sender_->out_fd() : -1,
                         sender_ && sender_->unsent_octets() > 0 ? sender_->in_fd() : -1);
        }
    }

private:
    std::uint64_t now_us() const { return queue::microseconds(tool_.clock().now()); }

    void stop()
    {
        stopping_ = true;
        stop_at_ = steady_clock::now() + plan_.grace;
        if (sender_)
            sender_->finish();
    }

    bool busy(const queue::Entry& entry) const { return in_flight_.contains(entry.mgw_id); }

    bool anything_due() const
    {
        const auto now = now_us();
        return std::ranges::any_of(spool_.entries(),
                                   [&](const auto& pair) { return pair.second.due(now) && !busy(pair.second); });
    }

    bool finished() const
    {
        if (!in_flight_.empty())
            return false;
        return stopping_ || (options_.once && !anything_due());
    }

    std::chrono::milliseconds nap() const
    {
        const auto now = now_us();
        std::uint64_t soonest = now + static_cast<std::uint64_t>(std::chrono::microseconds(longest_nap).count());
        const bool room =
            in_flight_.size() < options_.window && (!sender_ || sender_->unsent_octets() < buffered_octets);
        if (room && !stopping_ && steady_clock::now() >= restart_at_)
            for (const auto& [id, entry] : spool_.entries())
                if (!entry.quarantined && !entry.held && !busy(entry))
                    soonest = std::min(soonest, std::max(entry.next_us, now));
        auto pause = std::chrono::milliseconds((soonest - now + 999) / 1000);
        if (stopping_)
            pause = std::min(pause, std::chrono::milliseconds(100));
        const auto restart = std::chrono::ceil<std::chrono::milliseconds>(restart_at_ - steady_clock::now());
        return restart.count() > 0 ? std::min(pause, restart) : pause;
    }

    Result<void> begin_attempts()
    {
        if (stopping_ || steady_clock::now() < restart_at_)
            return {};
        const auto now = now_us();
        std::vector<queue::Id> due;
        for (const auto& [id, entry] : spool_.entries()) {
            if (in_flight_.size() + due.size() >= options_.window)
                break;
            if (entry.due(now) && !busy(entry))
                due.push_back(id);
        }
        for (const auto id : due) {
            if (sender_ && sender_->unsent_octets() >= buffered_octets)
                break;
            const auto& entry = spool_.entries().at(id);
            if (busy(entry)) // another message of the same transaction went just now
                continue;
            if (auto begun = begin(entry); !begun)
                return begun;
        }
        return {};
    }

    Result<void> begin(const queue::Entry& entry)
    {
        auto stored = spool_.read(entry);
        if (!stored) {
            tool_.complain(stored.error());
            std::vector<queue::Group> hold;
            hold.push_back({{.type = queue::Type::hold,
                             .id = entry.id,
                             .not_before_us = entry.event_us + 1,
                             .header = queue::header_text(queue::Event{.reason = stored.error().message})}});
            if (auto held = spool_.commit(hold); !held)
                return held;
            return spool_.refresh();
        }
        queue::Attempt attempt;
        const auto frame = queue::make_frame(entry, std::move(*stored), attempt);
        if (tool_.common().explain)
            tool_.explain("sending " + queue::id_text(entry.id) + " to " + std::to_string(attempt.numbers.size()) +
                          " recipients");
        if (frame.members.empty()) {
            done_.push_back({std::move(attempt), steady_clock::now()});
            in_flight_.emplace(entry.mgw_id, Flying{});
            return {};
        }
        if (!sender_)
            if (auto started = start_sender(); !started)
                return started;
        sender_->send(frame_octets(frame));
        in_flight_.emplace(entry.mgw_id, Flying{std::move(attempt), steady_clock::now()});
        return {};
    }

    Result<void> start_sender()
    {
        auto sender = Sender::start(plan_.command, {"MGW_SPOOL=" + spool_.path()});
        if (!sender)
            return pass(sender);
        sender_.emplace(std::move(*sender));
        return {};
    }

    Result<void> take_answers()
    {
        bool ended = false;
        if (sender_) {
            sender_->flush();
            for (const auto& answer : sender_->receive(ended)) {
                const auto found = in_flight_.find(answer.id);
                if (found == in_flight_.end() || found->second.attempt.id == 0)
                    continue;
                if (!answer.done)
                    queue::take_answer(found->second.attempt, answer);
                else
                    done_.push_back({std::move(found->second.attempt), found->second.begun});
            }
        }
        if (auto concluded = conclude(); !concluded)
            return concluded;
        if (ended)
            sender_died();
        return {};
    }

    /// One flush for all that the sender has answered.
    Result<void> conclude()
    {
        if (done_.empty())
            return {};
        std::vector<queue::Group> groups;
        std::vector<queue::Outcome> outcomes;
        auto finished = std::move(done_);
        done_.clear();
        for (const auto& [attempt, begun] : finished) {
            in_flight_.erase(attempt.mgw_id);
            const auto found = spool_.entries().find(attempt.id);
            if (found == spool_.entries().end()) // deleted meanwhile
                continue;
            auto stored = spool_.read(found->second);
            if (!stored)
                return pass(stored);
            auto random = tool_.random().fork(attempt.mgw_id + std::to_string(found->second.event_us));
            auto outcome =
                queue::conclude(found->second, *stored, attempt, plan_.schedule, dsn_, tool_.clock().now(), random);
            if (!outcome)
                return pass(outcome);
            record(found->second, *outcome, steady_clock::now() - begun);
            groups.push_back(std::move(outcome->group));
            outcomes.push_back(std::move(*outcome)); // keeps the octets of notices
        }
        // What is not recorded is sent again: a duplicate is better than a loss, and a full disk must not stop delivery
        // for ever.
        if (auto committed = spool_.commit(groups); !committed)
            return committed;
        back_off_ = std::chrono::seconds(1);
        restarts_ = 0;
        return spool_.refresh();
    }

    void record(const queue::Entry& entry, const queue::Outcome& outcome, steady_clock::duration took)
    {
        std::vector<std::string> to;
        std::vector<std::string> codes;
        for (const auto& result : outcome.results) {
            for (const auto& pending : entry.recipients)
                if (pending.number == result.number)
                    to.push_back(pending.path);
            codes.push_back(std::to_string(result.code) + " " + result.enhanced + " " + result.text);
        }
        Record record;
        record.text("id", entry.mgw_id).text("stage", "queue-run").text("queue_id", queue::id_text(entry.id));
        record.address("from", entry.sender).addresses("to", to).list("codes", codes);
        record.real("ms", std::chrono::duration<double, std::milli>(took).count());
        record.real("queue_s", static_cast<double>(now_us() - std::min(now_us(), entry.arrived_us())) / 1e6);
        tool_.log().write(tool_.clock().now(), record);
    }

    /// What it had not answered is due at once, with the next one.
    void sender_died()
    {
        const bool was_ready = sender_->ready();
        const auto how = sender_->wait();
        const int exit = sender_->exit_status();
        sender_.reset();
        const bool lost = !in_flight_.empty();
        in_flight_.clear();
        if (stopping_ && !lost)
            return;
        tool_.warn(how + (lost ? ": what it had not answered will be sent again" : ""));
        restart_at_ = steady_clock::now() + back_off_;
        back_off_ = std::min(back_off_ * 2, longest_back_off);
        if (!was_ready && (exit == static_cast<int>(Status::usage) || exit == static_cast<int>(Status::config)))
            failure_ = Error{Status::config, how, "try '" + options_.send + " --input=frames </dev/null'"};
        else if (options_.once && ++restarts_ > once_restarts)
            failure_ = Error{Status::temp_fail, how + ", " + std::to_string(restarts_) + " times without a result"};
    }

    void abort_sender()
    {
        if (sender_)
            sender_->kill();
        stop_at_ = steady_clock::now() + plan_.grace;
    }

    void end_sender()
    {
        sender_->finish();
        sender_->flush();
        sender_->wait();
        sender_.reset();
    }

    Result<void> reclaim()
    {
        if (steady_clock::now() - last_reclaim_ < reclaim_pause)
            return {};
        last_reclaim_ = steady_clock::now();
        auto count = spool_.reclaim();
        if (!count)
            return pass(count);
        return {};
    }

    struct Flying {
        queue::Attempt attempt;
        steady_clock::time_point begun;
    };

    cli::Tool& tool_;
    const Options& options_;
    Plan plan_;
    queue::DsnOptions dsn_;
    queue::Spool spool_;
    std::optional<Sender> sender_;
    std::map<std::string, Flying, std::less<>>
        in_flight_; ///< by Mgw-Id: two messages of one transaction go one after the other
    std::vector<std::pair<queue::Attempt, steady_clock::time_point>> done_;
    bool stopping_ = false;
    steady_clock::time_point stop_at_;
    steady_clock::time_point restart_at_;
    steady_clock::time_point last_reclaim_;
    std::chrono::seconds back_off_{1};
    unsigned restarts_ = 0;
    std::optional<Error> failure_;
};

} // namespace

Result<Status> deliver(cli::Tool& tool, const Options& options, const std::string& path)
{
    auto plan = make_plan(options);
    if (!plan)
        return pass(plan);
    if (find_program(plan->command.front()).empty())
        return fail(Status::config, "no such program: " + plan->command.front(), "name it with --send");
    if (auto made = queue::make_spool(path); !made)
        return pass(made);
    if (tool.common().check)
        return Status::ok;
    // Held as long as this runs: what is with the sender belongs to this process.
    const Fd lock(::open((path + "/run.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock)
        return fail_errno(errno, "cannot open " + path + "/run.lock");
    if (::flock(lock.value(), LOCK_EX | LOCK_NB) != 0)
        return fail(Status::temp_fail, "another 'mgw-queue run' works on " + path);
    return Runner(tool, options, path, std::move(*plan)).run();
}

} // namespace mgw::queue_tool
