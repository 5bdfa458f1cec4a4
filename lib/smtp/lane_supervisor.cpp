#include "lib/smtp/lane_supervisor.hpp"

#include "lib/smtp/door_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <list>
#include <optional>
#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mgw::smtp
{

namespace
{

using SteadyClock = std::chrono::steady_clock;
using Instant = SteadyClock::time_point;
using std::chrono::milliseconds;

constexpr milliseconds grace{10'000};     // from SIGTERM to SIGKILL, and for a lane that hangs
constexpr milliseconds short_life{5'000}; // a lane that ends sooner counts as a failed start
constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{30'000};
constexpr std::size_t most_lanes = 64; // at a time, with --per-message

struct RunningLane {
    Lane lane;
    std::uint8_t serial = 0;
    SinkGreeting greeting;
    Instant started;
    Instant ready_by;
    bool ready = false;
    bool passed = false;      ///< the front has it
    bool unexplained = false; ///< given up by the front, and no stage of it was seen to end
    bool ending = false;      ///< a stage ended, or it was replaced
    std::optional<Instant> kill_at;
    int signal = SIGTERM; ///< what it gets then
};

class Supervisor {
public:
    explicit Supervisor(const SupervisorOptions& options) : options_(options) {}
    Result<Status> run();

private:
    Result<void> prepare();
    Result<void> start_new_lane();
    Result<void> start_front();
    void start_door();
    Result<pid_t> start_process(Fd& control, const std::function<int(Fd)>& work);
    void wait();
    void take_signals();
    void reap();
    void child_ended(pid_t pid, int status);
    void front_ended(int status);
    void door_ended(int status);
    void stage_ended(RunningLane& lane, const Child& stage, int status);
    void lane_failed(const Error& error);
    void greet(RunningLane& lane);
    void lane_ready(RunningLane& lane);
    void hand_over(RunningLane& lane);
    void read_notes();
    void grant_wishes();
    void take_wish(std::uint8_t instead_of);
    void reload_certificates();
    void reload_passwords();
    void give(LaneNote note, const Fd& fd);
    void reload();
    void check_ended(const Child& check, int status);
    void stop();
    void on_time();
    void tell(LaneNote note, std::uint8_t serial, const Lane* lane = nullptr);
    void retire(RunningLane& lane, milliseconds after);
    std::size_t lanes_to_come() const;
    bool has_lane_to_come() const;

    const SupervisorOptions& options_;
    Fd signals_;
    Fd control_;
    pid_t front_ = -1;
    Fd door_control_;
    pid_t door_ = -1;
    Instant door_started_;
    std::optional<Instant> start_door_at_;
    milliseconds door_pause_{0};
    std::list<RunningLane> lanes_;
    std::vector<Child> checks_;
    bool check_failed_ = false;
    std::string notes_; // octets from the front, cut anywhere
    std::uint8_t serial_ = 0;
    std::size_t wanted_ = 0; // lanes that the front asked for and has not got
    std::optional<Instant> start_at_;
    milliseconds pause_{0};
    bool stopping_ = false;
    std::optional<Instant> stop_by_;
    std::optional<Error> failed_;
    std::optional<Status> done_;
};

Result<Status> Supervisor::run()
{
    if (auto prepared = prepare(); !prepared)
        return pass(prepared);
    if (options_.door)
        start_door();
    if (auto started = start_new_lane(); !started)
        return pass(started);
    while (!done_ && !failed_)
        wait();
    control_.reset(); // a front that still runs ends, and with it the lanes
    door_control_.reset();
    for (auto& lane : lanes_) {
        lane.lane.input.reset();
        lane.lane.answers.reset();
    }
    const auto end = SteadyClock::now() + std::min(grace, options_.drain_timeout);
    while ((!lanes_.empty() || door_ > 0) && SteadyClock::now() < end)
        wait();
    if (door_ > 0)
        ::kill(door_, SIGKILL);
    for (const auto& lane : lanes_)
        for (const auto& stage : lane.lane.stages)
            ::kill(stage.pid, SIGKILL);
    if (failed_)
        return std::unexpected(*failed_);
    return *done_;
}

Result<void> Supervisor::prepare()
{
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGCHLD, SIGHUP, SIGTERM, SIGINT})
        ::sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_)
        return fail_errno(errno, "cannot watch for signals");
    return {};
}

Result<void> Supervisor::start_new_lane()
{
    start_at_.reset();
    auto lane = start_lane(options_.plan);
    if (!lane)
        return pass(lane);
    auto& added = lanes_.emplace_back();
    added.lane = std::move(*lane);
    serial_ = static_cast<std::uint8_t>(serial_ == 255 ? 1 : serial_ + 1); // 0 stands for none
    added.serial = serial_;
    added.started = SteadyClock::now();
    added.ready_by = added.started + options_.start_timeout;
    return {};
}

Result<void> Supervisor::start_front()
{
    auto started = start_process(control_, options_.front);
    if (!started)
        return pass(started);
    front_ = *started;
    ::fcntl(control_.value(), F_SETFL, O_NONBLOCK);
    return {};
}

/// A process of its own with an end of a socket; `control` gets the other one.
Result<pid_t> Supervisor::start_process(Fd& control, const std::function<int(Fd)>& work)
{
    auto pair = make_socket_pair();
    if (!pair)
        return pass(pair);
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_errno(errno, "cannot start a process");
    if (pid == 0) {
        lanes_.clear(); // closes what the front gets by the socket, or must not hold open
        signals_.reset();
        control_.reset();
        door_control_.reset();
        pair->first.reset();
        for (const int signal : {SIGHUP, SIGTERM, SIGINT})
            ::signal(signal, SIG_IGN); // the supervisor says when to stop
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::_exit(work(std::move(pair->second)));
    }
    control = std::move(pair->first);
    return pid;
}

/// Without a door mail goes on as --door-on-error says, so that no failure here is one of the whole.
void Supervisor::start_door()
{
    start_door_at_.reset();
    door_started_ = SteadyClock::now();
    auto started = start_process(door_control_, options_.door);
    if (started) {
        door_ = *started;
        return;
    }
    options_.complain(started.error());
    start_door_at_ = door_started_ + longest_pause;
}

void Supervisor::door_ended(int status)
{
    door_ = -1;
    door_control_.reset();
    if (stopping_ || done_ || failed_)
        return;
    options_.warn("the door process ended (" + describe_wait_status(status) + "); it is started again");
    const auto now = SteadyClock::now();
    const bool was_short = now - door_started_ < short_life;
    door_pause_ = was_short ? std::min(std::max(door_pause_ * 2, first_pause), longest_pause) : milliseconds{0};
    start_door_at_ = now + door_pause_;
}

void Supervisor::wait()
{
    std::vector<pollfd> polled{{signals_.value(), POLLIN, 0}, {control_.value(), POLLIN, 0}};
    for (const auto& lane : lanes_)
        polled.push_back({lane.ready || lane.ending ? -1 : lane.lane.answers.value(), POLLIN, 0});
    ::poll(polled.data(), polled.size(), 200);
    // the lanes first: a signal may take some of them away
    std::size_t at = 2;
    for (auto& lane : lanes_)
        if (polled[at++].revents != 0)
            greet(lane);
    read_notes(); // what the front said before it, or a lane, ended
    if (polled[0].revents != 0)
        take_signals();
    grant_wishes();
    on_time();
}

void Supervisor::take_signals()
{
    signalfd_siginfo info{};
    while (::read(signals_.value(), &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            reload();
        else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            stop();
    }
    reap();
}

/// Several deaths may share one signal. A stage that was killed is the cause to tell; the others followed it.
void Supervisor::reap()
{
    std::vector<std::pair<pid_t, int>> ended;
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
        ended.emplace_back(pid, status);
    std::ranges::stable_partition(ended, [](const auto& one) { return WIFSIGNALED(one.second); });
    for (const auto& [pid, how] : ended)
        child_ended(pid, how);
}

void Supervisor::child_ended(pid_t pid, int status)
{
    if (pid == front_)
        return front_ended(status);
    if (pid == door_)
        return door_ended(status);
    if (const auto check = std::ranges::find(checks_, pid, &Child::pid); check != checks_.end()) {
        const Child ended = *check;
        checks_.erase(check);
        return check_ended(ended, status);
    }
    for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
        const auto stage = std::ranges::find(lane->lane.stages, pid, &Child::pid);
        if (stage == lane->lane.stages.end())
            continue;
        const Child ended = *stage;
        lane->lane.stages.erase(stage);
        stage_ended(*lane, ended, status);
        if (lane->lane.stages.empty())
            lanes_.erase(lane);
        return;
    }
}

void Supervisor::front_ended(int status)
{
    front_ = -1;
    control_.reset();
    notes_.clear();
    if (stopping_ || options_.front_ends) {
        done_ = WIFEXITED(status) ? static_cast<Status>(WEXITSTATUS(status)) : Status::temp_fail;
        return;
    }
    options_.warn("the front process ended (" + describe_wait_status(status) + "); it is started again");
    wanted_ = 0;
    if (auto started = start_front(); !started)
        failed_ = started.error();
    for (auto& lane : lanes_)
        if (lane.passed)
            retire(lane, options_.lane_timeout); // their input is closed, they drain
    if (!has_lane_to_come())
        start_at_ = SteadyClock::now() + first_pause;
}

void Supervisor::stage_ended(RunningLane& lane, const Child& stage, int status)
{
    if (stopping_ || done_)
        return;
    if (lane.ending) {
        // the front may notice before the signal comes that a lane is broken; people still want to know by whom
        if (std::exchange(lane.unexplained, false) && status != 0)
            options_.warn(stage.name + " ended: " + describe_wait_status(status) + "; a new lane starts");
        return;
    }
    lane.ending = true;
    lane.kill_at = SteadyClock::now() + options_.lane_timeout;
    if (options_.plan.per_message && lane.passed) {
        if (status != 0) {
            options_.warn(stage.name + " ended: " + describe_wait_status(status));
            tell(LaneNote::lane_died, lane.serial);
        }
        return;
    }
    const auto text = stage.name + " ended: " + describe_wait_status(status);
    if (!lane.passed) {
        // the last stage's own complaint came first; what is missing is who it was
        lane.lane.input.reset();
        lane.lane.answers.reset();
        lane_failed(Error{Status::config, "the pipeline does not start: " + text, "run mgw-recv --check"});
        return;
    }
    options_.warn(text + "; a new lane starts");
    tell(LaneNote::lane_died, lane.serial);
    const bool was_short = SteadyClock::now() - lane.started < short_life;
    pause_ = was_short ? std::min(std::max(pause_ * 2, first_pause), longest_pause) : milliseconds{0};
    if (!has_lane_to_come())
        start_at_ = SteadyClock::now() + pause_;
}

/// A lane that did not get ready: fatal at the start; later the mail waits for the next try.
void Supervisor::lane_failed(const Error& error)
{
    if (front_ < 0) {
        failed_ = error;
        return;
    }
    options_.complain(error);
    pause_ = std::min(std::max(pause_ * 2, first_pause), longest_pause);
    start_at_ = SteadyClock::now() + pause_;
}

void Supervisor::greet(RunningLane& lane)
{
    auto got = lane.greeting.read(lane.lane.answers.value());
    if (!got) {
        lane.ending = true;
        lane.lane.input.reset();
        lane.lane.answers.reset();
        retire(lane, milliseconds{0});
        lane_failed(got.error());
    } else if (*got) {
        lane_ready(lane);
    }
}

void Supervisor::lane_ready(RunningLane& lane)
{
    lane.ready = true;
    if (front_ < 0) {
        if (auto started = start_front(); !started) {
            failed_ = started.error();
            return;
        }
        options_.ready();
    }
    if (!options_.plan.per_message) {
        for (auto& other : lanes_)
            if (other.passed && !other.ending)
                retire(other, options_.lane_timeout);
        hand_over(lane);
    } else if (wanted_ > 0) {
        --wanted_;
        hand_over(lane);
    }
}

void Supervisor::hand_over(RunningLane& lane)
{
    tell(LaneNote::lane, lane.serial, &lane.lane);
    lane.passed = true;
    lane.lane.input.reset();
    lane.lane.answers.reset();
    if (options_.plan.per_message)
        lane.kill_at = SteadyClock::now() + options_.lane_timeout + grace;
}

void Supervisor::read_notes()
{
    std::array<char, 256> octets{};
    ssize_t n = 0;
    while (control_ && (n = ::read(control_.value(), octets.data(), octets.size())) > 0)
        notes_.append(octets.data(), static_cast<std::size_t>(n)); // the end of the front comes as a signal
    for (std::size_t at = 0; notes_.size() - at >= 2; at += 2)
        if (notes_[at] == static_cast<char>(LaneNote::ending))
            stopping_ = true;
}

void Supervisor::grant_wishes()
{
    std::size_t at = 0;
    for (; notes_.size() - at >= 2; at += 2)
        if (notes_[at] == static_cast<char>(LaneNote::want) && !stopping_)
            take_wish(static_cast<std::uint8_t>(notes_[at + 1]));
    notes_.erase(0, at);
}

void Supervisor::take_wish(std::uint8_t instead_of)
{
    if (options_.plan.per_message) {
        ++wanted_;
        const auto ready = std::ranges::find_if(
            lanes_, [](const RunningLane& lane) { return lane.ready && !lane.passed && !lane.ending; });
        if (ready != lanes_.end()) {
            --wanted_;
            hand_over(*ready);
        }
        return;
    }
    for (auto& lane : lanes_)
        if (lane.serial == instead_of && lane.passed && !lane.ending) {
            retire(lane, grace);
            lane.unexplained = true;
        }
    const bool has_one =
        std::ranges::any_of(lanes_, [](const RunningLane& lane) { return lane.passed && !lane.ending; });
    if (!has_one && !has_lane_to_come())
        start_at_ = SteadyClock::now() + pause_;
}

void Supervisor::reload_certificates()
{
    auto text = options_.certificates();
    if (!text) {
        options_.complain(text.error());
        return;
    }
    if (text->empty() || !control_)
        return;
    const Fd file{::memfd_create("certificates", MFD_CLOEXEC)};
    if (auto written = write_all(file.value(), *text); !written)
        options_.complain(written.error());
    else
        give(LaneNote::certificates, file);
}

void Supervisor::reload_passwords()
{
    if (!control_)
        return;
    auto keeper = options_.keeper();
    if (!keeper)
        options_.complain(keeper.error());
    else if (*keeper)
        give(LaneNote::keeper, *keeper);
}

void Supervisor::give(LaneNote note, const Fd& fd)
{
    const int passed = fd.value();
    auto sent = send_fds(control_.value(), static_cast<char>(note), &passed, 1);
    if (sent)
        sent = send_fds(control_.value(), 0, nullptr, 0);
    if (!sent)
        options_.complain(sent.error());
}

void Supervisor::reload()
{
    reload_certificates();
    reload_passwords();
    if (door_control_) { // one that ends now reads its lists when it starts again
        [[maybe_unused]] const ssize_t sent = ::send(door_control_.value(), &door_reload, 1, MSG_NOSIGNAL);
    }
    if (stopping_ || !checks_.empty())
        return;
    check_failed_ = false;
    auto checks = start_checks(options_.plan);
    if (!checks) {
        options_.complain(checks.error());
        return;
    }
    checks_ = std::move(*checks);
    if (checks_.empty())
        start_at_ = SteadyClock::now();
}

void Supervisor::check_ended(const Child& check, int status)
{
    if (status != 0) {
        check_failed_ = true;
        options_.warn(check.name + " --check: " + describe_wait_status(status) + "; the running lane stays");
    }
    if (checks_.empty() && !check_failed_ && !stopping_)
        start_at_ = SteadyClock::now();
}

void Supervisor::stop()
{
    if (stopping_)
        return;
    stopping_ = true;
    stop_by_ = SteadyClock::now() + options_.drain_timeout + grace;
    start_at_.reset();
    if (front_ < 0)
        done_ = Status::ok;
    else
        tell(LaneNote::stop, 0);
}

void Supervisor::on_time()
{
    const auto now = SteadyClock::now();
    if (stop_by_ && now > *stop_by_ && front_ > 0) {
        ::kill(front_, SIGKILL);
        stop_by_.reset();
    }
    for (auto& lane : lanes_) {
        if (!lane.ready && !lane.ending && now > lane.ready_by) {
            lane.ending = true;
            retire(lane, milliseconds{0});
            lane_failed(Error{Status::temp_fail,
                              "the pipeline's last stage did not get ready in " +
                                  std::to_string(options_.start_timeout.count()) + " ms",
                              "raise --lane-start-timeout, or look at the stage's own messages"});
        }
        if (lane.kill_at && now > *lane.kill_at) {
            for (const auto& stage : lane.lane.stages)
                ::kill(stage.pid, lane.signal);
            lane.signal = SIGKILL;
            lane.unexplained = false; // from here on it is us
            lane.kill_at = now + grace;
        }
    }
    if (stopping_ || done_ || failed_)
        return;
    if (start_door_at_ && now >= *start_door_at_)
        start_door();
    if (start_at_ && now >= *start_at_)
        if (auto started = start_new_lane(); !started)
            lane_failed(started.error());
    while (options_.plan.per_message && !start_at_ && lanes_.size() < most_lanes && lanes_to_come() < wanted_)
        if (auto started = start_new_lane(); !started)
            lane_failed(started.error());
}

void Supervisor::tell(LaneNote note, std::uint8_t serial, const Lane* lane)
{
    if (!control_)
        return;
    const std::array<int, 2> fds{lane != nullptr ? lane->input.value() : -1,
                                 lane != nullptr ? lane->answers.value() : -1};
    auto sent = send_fds(control_.value(), static_cast<char>(note), fds.data(), lane != nullptr ? 2 : 0);
    if (sent && note != LaneNote::stop)
        sent = send_fds(control_.value(), static_cast<char>(serial), nullptr, 0);
    if (!sent)
        options_.complain(sent.error()); // the front is gone; its end comes as a signal
}

void Supervisor::retire(RunningLane& lane, milliseconds after)
{
    lane.ending = true;
    lane.kill_at = SteadyClock::now() + after;
}

std::size_t Supervisor::lanes_to_come() const
{
    return static_cast<std::size_t>(
        std::ranges::count_if(lanes_, [](const RunningLane& lane) { return !lane.passed && !lane.ending; }));
}

bool Supervisor::has_lane_to_come() const
{
    return start_at_.has_value() || lanes_to_come() > 0;
}

} // namespace

Result<Status> supervise(const SupervisorOptions& options)
{
    return Supervisor(options).run();
}

} // namespace mgw::smtp
