#include "lib/smtp/lane.hpp"

#include "lib/mail/frame.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mgw::smtp
{

namespace
{

constexpr int pipe_octets = 256 << 10;

const std::string probe = mail::frame_octets({"00000000000000000000000000", {}});

std::string_view program_name(const Arguments& stage)
{
    const std::string_view path = stage.front();
    return path.substr(path.rfind('/') + 1);
}

bool is_ours(const Arguments& stage)
{
    return program_name(stage).starts_with("mgw-");
}

} // namespace

bool LanePlan::takes_many_recipients() const
{
    return !given.empty() && program_name(given.back()) == "mgw-queue" &&
           std::ranges::find(given.back(), "add") != given.back().end();
}

std::vector<std::string> LanePlan::foreign_programs() const
{
    std::vector<std::string> out;
    for (const auto& stage : given) {
        if (!is_ours(stage))
            out.emplace_back(program_name(stage));
        const auto each = std::ranges::find(stage, "--each");
        if (each != stage.end() && each + 1 != stage.end())
            out.push_back(*(each + 1));
    }
    return out;
}

Result<LanePlan> plan_lane(std::string_view pipeline, bool per_message)
{
    auto stages = split_pipeline(pipeline);
    if (!stages)
        return pass(stages);
    LanePlan plan{*stages, *stages, per_message, {}, false};
    for (auto& stage : plan.stages) {
        if (find_program(stage.front()).empty())
            return fail(Status::config, "no such program: " + stage.front(),
                        "look at PATH, or name it with its folder");
        if (per_message && program_name(stage) == "mgw-scan")
            return fail(Status::config,
                        "--per-message with mgw-scan: it would load its virus signatures for each message",
                        "leave --per-message out, or take mgw-scan out of the pipeline");
        stage.insert(std::ranges::find(stage, "--each"), "--input=frames");
    }
    return plan;
}

Result<void> require_sink(const LanePlan& plan)
{
    const auto& last = plan.given.back();
    const auto name = program_name(last);
    const bool tees = name == "mgw-archive" && std::ranges::find(last, "tee") != last.end();
    for (const std::string_view filter : {"mgw-auth", "mgw-scan", "mgw-filter", "mgw-crypt", "mgw-route"})
        if (name == filter || tees)
            return fail(Status::config,
                        "the pipeline does not end in a sink: " + std::string(name) + " passes messages on",
                        "end it with mgw-queue add or mgw-send");
    return {};
}

Result<void> require_filters(const LanePlan& plan)
{
    const auto& last = plan.given.back();
    const auto name = program_name(last);
    const bool tees = std::ranges::find(last, "tee") != last.end();
    if (name == "mgw-queue" || name == "mgw-send" || (name == "mgw-archive" && !tees))
        return fail(Status::config, "the pipeline ends in a sink: " + std::string(name) + " gives no message back",
                    "end it with a filter");
    return {};
}

Result<Lane> start_lane(const LanePlan& plan)
{
    Lane lane;
    auto first = make_pipe();
    if (!first)
        return pass(first);
    lane.input = std::move(first->second);
    Fd next = std::move(first->first);
    for (const auto& stage : plan.stages) {
        auto pipe = make_pipe();
        if (!pipe)
            return pass(pipe);
        ::fcntl(pipe->second.value(), F_SETPIPE_SZ, pipe_octets); // a smaller pipe works as well
        auto child = start_child(stage, {next.value(), pipe->second.value(), -1}, plan.environment);
        if (!child)
            return pass(child); // the stages that run see the end of their input
        lane.stages.push_back(*child);
        next = std::move(pipe->first);
    }
    ::fcntl(lane.input.value(), F_SETPIPE_SZ, pipe_octets);
    lane.answers = std::move(next);
    if (plan.gives_frames)
        (void)write_all(lane.input.value(), probe); // a stage that is gone already is seen by its end
    return lane;
}

Result<bool> LaneGreeting::read(int answers)
{
    char c = 0;
    const ssize_t n = ::read(answers, &c, 1);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    if (n <= 0)
        return fail(Status::config, "the pipeline's last stage ended before it was ready", "run mgw-recv --check");
    static const std::string sink = std::string(mail::sink_ready) + '\n';
    const auto& wanted = gives_frames_ ? probe : sink;
    seen_ += c;
    if (wanted.starts_with(seen_))
        return seen_.size() == wanted.size();
    if (gives_frames_)
        return fail(Status::config, "the pipeline's last stage does not pass messages on", "end it with a filter");
    return fail(Status::config, "the pipeline does not end in a sink: its last stage did not say \"MGW1 sink\"",
                "end it with mgw-queue add or mgw-send");
}

Result<void> wait_for_sink(int answers, std::chrono::milliseconds timeout)
{
    const auto end = std::chrono::steady_clock::now() + timeout;
    LaneGreeting greeting;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd ready{answers, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0)
            return fail(Status::temp_fail,
                        "the pipeline's last stage did not get ready in " + std::to_string(timeout.count()) + " ms",
                        "raise --lane-start-timeout, or look at the stage's own messages");
        auto got = greeting.read(answers);
        if (!got)
            return pass(got);
        if (*got)
            return {};
    }
}

Result<std::vector<Child>> start_checks(const LanePlan& plan)
{
    std::vector<Child> out;
    for (auto stage : plan.given) {
        if (!is_ours(stage))
            continue;
        stage.insert(std::ranges::find(stage, "--each"), "--check");
        auto child = start_child(stage, {});
        if (!child)
            return pass(child);
        out.push_back(*child);
    }
    return out;
}

Result<void> check_lane(const LanePlan& plan)
{
    auto checks = start_checks(plan);
    if (!checks)
        return pass(checks);
    std::string failed;
    for (const auto& child : *checks)
        if (const int status = wait_for_child(child.pid); status != 0 && failed.empty())
            failed = child.name + " --check: " + describe_wait_status(status);
    if (!failed.empty())
        return fail(Status::config, failed);
    return {};
}

int wait_for_child(pid_t pid)
{
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

} // namespace mgw::smtp
