#include "lib/filter/each.hpp"

#include "lib/core/child.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mgw::filter
{

namespace
{

using Clock = std::chrono::steady_clock;
constexpr std::size_t reason_octets = 4096;

/// A running program, leader of its process group; the group is killed and the program waited for when it is left.
class Program {
public:
    explicit Program(Child child) : child_(std::move(child)) {}
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program()
    {
        if (child_.pid > 0) {
            ::kill(-child_.pid, SIGKILL); // its group: what it started does not outlive it
            while (::waitpid(child_.pid, nullptr, 0) < 0 && errno == EINTR)
                ;
        }
    }

    /// Its wait status, or nothing at the deadline.
    std::optional<int> wait(Clock::time_point deadline)
    {
        auto pause = std::chrono::microseconds(200);
        for (;;) {
            int status = 0;
            if (::waitpid(child_.pid, &status, WNOHANG) == child_.pid) {
                child_.pid = -1;
                return status;
            }
            if (Clock::now() >= deadline)
                return std::nullopt;
            std::this_thread::sleep_for(pause);
            pause = std::min(pause * 2, std::chrono::microseconds(20'000));
        }
    }

private:
    Child child_;
};

/// The three pipes, ours ends.
struct Pipes {
    Fd in, out, err;
};

/// Reads what is there; closes `fd` at the end of file. False when it would pass `limit`.
bool take(Fd& fd, std::string& into, std::size_t limit, bool drop_rest)
{
    std::array<char, 65536> buffer{};
    const ssize_t n = ::read(fd.value(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        fd.reset();
        return true;
    }
    const std::size_t room = limit - into.size();
    const auto count = static_cast<std::size_t>(n);
    into.append(buffer.data(), std::min(count, room));
    return count <= room || drop_rest;
}

/// Writes the message and reads both outputs as they come, so that neither side ever waits for the other. A program
/// need not read all of its input.
Result<void> exchange(Pipes& pipes, std::string_view message, EachAnswer& answer, const EachLimits& limits,
                      Clock::time_point deadline, const std::string& name)
{
    if (message.empty())
        pipes.in.reset();
    while (pipes.out) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0)
            return fail(Status::temp_fail, name + " took longer than " + std::to_string(limits.time.count()) + " ms");
        std::array<pollfd, 3> fds{
            {{pipes.in.value(), POLLOUT, 0}, {pipes.out.value(), POLLIN, 0}, {pipes.err.value(), POLLIN, 0}}};
        if (::poll(fds.data(), fds.size(), static_cast<int>(left)) < 0 && errno != EINTR)
            return fail_errno(errno, "cannot wait for " + name);
        if (fds[0].revents != 0) {
            const ssize_t n = ::write(pipes.in.value(), message.data(), message.size());
            if (n > 0)
                message.remove_prefix(static_cast<std::size_t>(n));
            if (message.empty() || (n < 0 && errno != EAGAIN && errno != EINTR))
                pipes.in.reset();
        }
        if (fds[1].revents != 0 && !take(pipes.out, answer.output, limits.output_octets, false))
            return fail(Status::temp_fail,
                        name + " printed more than " + std::to_string(limits.output_octets) + " octets");
        if (pipes.err && fds[2].revents != 0)
            take(pipes.err, answer.reason, reason_octets, true);
    }
    pipes.in.reset();
    return {};
}

} // namespace

Result<EachAnswer> run_each(const Arguments& command, std::string_view message, const EachLimits& limits)
{
    std::array<Result<FdPair>, 3> made{make_pipe(), make_pipe(), make_pipe()};
    for (auto& pipe : made) {
        if (!pipe)
            return pass(pipe);
    }
    auto child = start_child(command, {made[0]->first.value(), made[1]->second.value(), made[2]->second.value(), true});
    if (!child)
        return fail(Status::temp_fail, child.error().message, child.error().hint);
    const std::string name = child->name;
    Program program(std::move(*child));
    Pipes pipes{std::move(made[0]->second), std::move(made[1]->first), std::move(made[2]->first)};
    made[0]->first.reset();
    made[1]->second.reset();
    made[2]->second.reset();
    for (const Fd* fd : {&pipes.in, &pipes.out, &pipes.err})
        ::fcntl(fd->value(), F_SETFL, ::fcntl(fd->value(), F_GETFL) | O_NONBLOCK);

    const auto deadline = Clock::now() + limits.time;
    EachAnswer answer;
    if (auto done = exchange(pipes, message, answer, limits, deadline, name); !done)
        return pass(done);
    const auto status = program.wait(deadline);
    if (!status)
        return fail(Status::temp_fail, name + " did not end within " + std::to_string(limits.time.count()) + " ms");
    while (pipes.err) { // what it wrote last; a grandchild that keeps the pipe open does not hold us
        const std::size_t before = answer.reason.size();
        take(pipes.err, answer.reason, reason_octets, true);
        if (pipes.err && answer.reason.size() == before)
            break;
    }
    answer.reason = printable_ascii(trim(std::string_view(answer.reason).substr(0, answer.reason.find('\n'))));
    answer.status = WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
    const std::string said = answer.reason.empty() ? "" : ": " + answer.reason;
    if (answer.status != 0 && answer.status != 75 && answer.status != 77)
        return fail(Status::temp_fail, name + " failed, " + describe_wait_status(*status) + said);
    if (answer.status == 0 && answer.output.empty())
        return fail(Status::temp_fail, name + " printed nothing" + said,
                    "a filter prints the whole message; to refuse it, end with status 77");
    return answer;
}

void splice_difference(std::string_view before, std::string_view after, mail::Edits& edits)
{
    const std::size_t shorter = std::min(before.size(), after.size());
    const auto first =
        std::mismatch(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(shorter), after.begin());
    const auto head = static_cast<std::size_t>(first.first - before.begin());
    if (head == before.size() && head == after.size())
        return;
    std::size_t tail = 0;
    while (tail < shorter - head && before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
        ++tail;
    edits.replace(head, before.size() - head - tail, std::string(after.substr(head, after.size() - head - tail)));
}

} // namespace mgw::filter
