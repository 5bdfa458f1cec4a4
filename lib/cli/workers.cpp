#include "lib/cli/workers.hpp"

#include "lib/core/child.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mgw::cli
{

namespace
{

constexpr std::size_t batch_octets = 64U << 10;
constexpr std::size_t batch_messages = 16;
/// Status of a worker that could not be set up: trying again would not help.
constexpr int cannot_start = 70;

} // namespace

Workers::Workers(Stage& stage, const Work& work, unsigned count, std::chrono::seconds timeout,
                 std::function<Result<void>()> start)
    : stage_(stage), work_(work), timeout_(timeout), start_(std::move(start)), workers_(count)
{}

Workers::~Workers()
{
    for (auto& worker : workers_) {
        if (worker.pid < 0)
            continue;
        worker.fd.reset();
        if (!worker.tasks.empty())
            ::kill(worker.pid, SIGKILL);
        ::waitpid(worker.pid, nullptr, 0);
    }
}

Result<void> Workers::fork_all()
{
    for (auto& worker : workers_)
        if (auto forked = fork_one(worker); !forked)
            return forked;
    return {};
}

Result<void> Workers::fork_one(Worker& worker)
{
    auto pair = make_socket_pair();
    if (!pair)
        return pass(pair);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_errno(errno, "cannot start a worker");
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent)
            ::_exit(cannot_start);
        pair->first.reset();
        for (auto& other : workers_)
            other.fd.reset();
        const int null = ::open("/dev/null", O_RDWR); // the streams of the lane are the parent's alone
        if (null >= 0) {
            ::dup2(null, STDIN_FILENO);
            ::dup2(null, STDOUT_FILENO);
        }
        serve(pair->second.value());
    }
    worker.pid = pid;
    worker.fd = std::move(pair->first);
    worker.answers.clear();
    return {};
}

void Workers::serve(int fd)
{
    if (auto started = start_(); !started) {
        const std::string text = "worker: " + started.error().message + "\n";
        (void)!::write(STDERR_FILENO, text.data(), text.size());
        ::_exit(cannot_start);
    }
    mail::FrameReader frames(work_.limits);
    std::string chunk(256U << 10, '\0');
    for (;;) {
        ssize_t n = ::read(fd, chunk.data(), chunk.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            ::_exit(0);
        frames.feed(std::string_view(chunk).substr(0, static_cast<std::size_t>(n)));
        for (;;) {
            auto frame = frames.next();
            if (!frame)
                ::_exit(cannot_start);
            if (!*frame)
                break;
            const std::string packed = pack(process(stage_, **frame, work_));
            const std::uint64_t size = packed.size();
            std::string answer(reinterpret_cast<const char*>(&size), sizeof size);
            answer += packed;
            if (!write_all(fd, answer))
                ::_exit(0);
        }
    }
}

void Workers::submit(Task task)
{
    octets_ += task.octets;
    waiting_.push_back(std::move(task));
}

Result<void> Workers::hand_out()
{
    std::size_t idle = 0;
    for (const auto& worker : workers_)
        idle += worker.tasks.empty() ? 1 : 0;
    for (auto& worker : workers_) {
        if (waiting_.empty())
            return {};
        if (!worker.tasks.empty())
            continue;
        if (worker.pid < 0)
            if (auto forked = fork_one(worker); !forked)
                return forked;
        // small messages go out in batches, but no more than this worker's share
        const std::size_t share = std::min(batch_messages, (waiting_.size() + idle - 1) / idle);
        std::string request;
        while (!waiting_.empty() && worker.tasks.size() < share &&
               (worker.tasks.empty() || (request.size() < batch_octets && !waiting_.front().alone))) {
            request += mail::frame_octets(waiting_.front().item.frame);
            const bool alone = waiting_.front().alone;
            worker.tasks.push_back(std::move(waiting_.front()));
            waiting_.pop_front();
            ++in_work_;
            if (alone)
                break;
        }
        --idle;
        worker.since = std::chrono::steady_clock::now();
        // an idle worker reads: this cannot wait for long. If it has died, collect() sees it.
        (void)write_all(worker.fd.value(), request);
    }
    return {};
}

void Workers::collect(Worker& worker, std::vector<Finished>& finished)
{
    std::string chunk;
    chunk.resize_and_overwrite(256U << 10, [](char*, std::size_t n) { return n; });
    const ssize_t n = ::read(worker.fd.value(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        int status = 0;
        ::waitpid(worker.pid, &status, 0);
        worker.pid = -1;
        bury(worker, describe_wait_status(status), finished);
        return;
    }
    worker.answers.append(chunk, 0, static_cast<std::size_t>(n));
    std::size_t at = 0;
    while (worker.answers.size() - at >= sizeof(std::uint64_t)) {
        std::uint64_t size = 0;
        std::memcpy(&size, worker.answers.data() + at, sizeof size);
        if (worker.answers.size() - at - sizeof size < size)
            break;
        auto result = unpack(std::string_view(worker.answers).substr(at + sizeof size, size), work_.limits);
        at += sizeof size + size;
        if (worker.tasks.empty() || !result) {
            ::kill(worker.pid, SIGKILL);
            ::waitpid(worker.pid, nullptr, 0);
            worker.pid = -1;
            bury(worker, result ? "answered what was not asked" : result.error().message, finished);
            return;
        }
        Finished done{std::move(worker.tasks.front()), std::move(*result), {}, 0};
        worker.tasks.pop_front();
        --in_work_;
        octets_ -= done.task.octets;
        worker.since = std::chrono::steady_clock::now();
        finished.push_back(std::move(done));
    }
    worker.answers.erase(0, at);
}

void Workers::bury(Worker& worker, const std::string& why, std::vector<Finished>& finished)
{
    worker.fd.reset();
    worker.answers.clear();
    bool first = true;
    std::deque<Task> again;
    for (auto& task : worker.tasks) {
        --in_work_;
        if (first && task.alone) {
            octets_ -= task.octets;
            finished.push_back(Finished{std::move(task), {}, why, 2}); // the first one, and the one alone
        } else {
            task.alone = task.alone || first; // the one that was in work may be the cause
            again.push_back(std::move(task));
        }
        first = false;
    }
    worker.tasks.clear();
    waiting_.insert(waiting_.begin(), std::make_move_iterator(again.begin()), std::make_move_iterator(again.end()));
}

Result<bool> Workers::turn(int also_fd, std::chrono::milliseconds wait, std::vector<Finished>& finished)
{
    if (auto handed = hand_out(); !handed)
        return pass(handed);
    std::vector<pollfd> fds;
    std::vector<Worker*> order;
    const auto now = std::chrono::steady_clock::now();
    for (auto& worker : workers_) {
        if (worker.tasks.empty())
            continue;
        fds.push_back(pollfd{worker.fd.value(), POLLIN, 0});
        order.push_back(&worker);
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(worker.since + timeout_ - now);
        wait = std::clamp(left, std::chrono::milliseconds{0}, wait);
    }
    if (also_fd >= 0)
        fds.push_back(pollfd{also_fd, POLLIN, 0});
    if (fds.empty())
        return false;
    if (::poll(fds.data(), fds.size(), static_cast<int>(wait.count())) < 0 && errno != EINTR)
        return fail_errno(errno, "cannot wait for workers");
    for (std::size_t i = 0; i < order.size(); ++i) {
        Worker& worker = *order[i];
        if (fds[i].revents != 0) {
            collect(worker, finished);
        } else if (std::chrono::steady_clock::now() - worker.since >= timeout_) {
            ::kill(worker.pid, SIGKILL);
            ::waitpid(worker.pid, nullptr, 0);
            worker.pid = -1;
            bury(worker, "took longer than " + std::to_string(timeout_.count()) + " s", finished);
        }
    }
    return also_fd >= 0 && fds.back().revents != 0;
}

} // namespace mgw::cli
