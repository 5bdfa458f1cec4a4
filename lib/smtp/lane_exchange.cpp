#include "lib/smtp/lane_exchange.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace mgw::smtp
{

using SteadyClock = std::chrono::steady_clock;

Result<LaneExchange> LaneExchange::open(const LanePlan& plan, const Limits& limits)
{
    auto lane = start_lane(plan);
    if (!lane)
        return pass(lane);
    for (const int fd : {lane->input.value(), lane->answers.value()})
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
    return LaneExchange(std::move(*lane), limits);
}

Result<Exchanged> LaneExchange::exchange(const mail::Frame& frame, std::chrono::milliseconds timeout)
{
    const auto end = SteadyClock::now() + timeout;
    book_.expect(frame.id, frame.members.at(0).block.recipients().size());
    const auto octets = mail::frame_octets(frame);
    std::string_view left = octets;
    std::array<char, 65536> buffer;
    for (;;) {
        std::array<pollfd, 2> polled{
            {{lane_.answers.value(), POLLIN, 0}, {left.empty() ? -1 : lane_.input.value(), POLLOUT, 0}}};
        const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now()).count();
        if (wait <= 0 || ::poll(polled.data(), polled.size(), static_cast<int>(wait)) == 0)
            return fail(Status::temp_fail, "the pipeline took longer than " + std::to_string(timeout.count()) + " ms",
                        "raise --lane-timeout, or look at the stages' messages");
        if (polled[1].revents != 0) {
            const ssize_t n = ::write(lane_.input.value(), left.data(), left.size());
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                return ended();
            left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        }
        if (polled[0].revents == 0)
            continue;
        const ssize_t n = ::read(lane_.answers.value(), buffer.data(), buffer.size());
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return ended();
        auto got = take({buffer.data(), static_cast<std::size_t>(n)});
        if (!got)
            return pass(got);
        if (*got)
            return std::move(**got);
    }
}

Result<std::optional<Exchanged>> LaneExchange::take(std::string_view octets)
{
    if (kind_ == Kind::unknown) {
        const std::string ready = std::string(mail::sink_ready) + '\n';
        first_ += octets;
        if (first_.size() < ready.size() && ready.starts_with(first_))
            return std::optional<Exchanged>{};
        kind_ = first_.starts_with(ready) ? Kind::sink : Kind::filter;
        octets = first_;
        if (kind_ == Kind::sink)
            octets.remove_prefix(ready.size());
    }
    if (kind_ == Kind::filter) {
        frames_.feed(octets);
        auto frame = frames_.next();
        if (!frame)
            return pass(frame);
        if (!*frame)
            return std::optional<Exchanged>{};
        return std::optional(Exchanged{std::move(**frame), {}});
    }
    auto outcomes = book_.feed(octets);
    if (!outcomes)
        return pass(outcomes);
    if (outcomes->empty())
        return std::optional<Exchanged>{};
    return std::optional(Exchanged{std::nullopt, std::move(outcomes->front().answers)});
}

/// The first stage that did not end well is the one to name.
std::unexpected<Error> LaneExchange::ended()
{
    lane_.input.reset();
    lane_.answers.reset();
    std::string text = "the pipeline ended before it gave a result";
    // a stage that is not set up right makes its neighbours fail: it is the one to name, and trying again does not help
    Status status = Status::temp_fail;
    std::string cause;
    for (const auto& stage : std::exchange(lane_.stages, {})) {
        const int wait_status = wait_for_child(stage.pid);
        const int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 0;
        const bool config = code == static_cast<int>(Status::usage) || code == static_cast<int>(Status::config);
        if (wait_status != 0 && (cause.empty() || (config && status != Status::config)))
            cause = ": " + stage.name + ": " + describe_wait_status(wait_status);
        if (config)
            status = Status::config;
    }
    return fail(status, text + cause, "run mgw-recv --check with the same pipeline");
}

void LaneExchange::close(std::chrono::milliseconds timeout)
{
    lane_.input.reset();
    const auto end = SteadyClock::now() + timeout;
    std::array<char, 65536> buffer;
    for (bool open = static_cast<bool>(lane_.answers); open;) {
        pollfd polled{lane_.answers.value(), POLLIN, 0};
        const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(end - SteadyClock::now()).count();
        if (wait <= 0 || ::poll(&polled, 1, static_cast<int>(wait)) <= 0)
            break;
        open = ::read(lane_.answers.value(), buffer.data(), buffer.size()) > 0;
    }
    lane_.answers.reset();
    for (const auto& stage : std::exchange(lane_.stages, {})) {
        while (::waitpid(stage.pid, nullptr, WNOHANG) == 0) {
            if (SteadyClock::now() >= end)
                ::kill(stage.pid, SIGKILL);
            ::poll(nullptr, 0, 5);
        }
    }
}

} // namespace mgw::smtp
