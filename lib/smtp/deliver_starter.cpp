#include "lib/smtp/deliver_starter.hpp"

#include "lib/core/child.hpp"
#include "lib/core/text.hpp"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace mgw::smtp
{

namespace
{

using Instant = std::chrono::steady_clock::time_point;
constexpr std::size_t longest_text = 4096;

struct Running {
    pid_t pid = -1;
    Fd process; ///< readable when it has ended
    Fd report;
    Instant deadline;
    bool timed_out = false;
};

std::string length_prefixed(std::string_view text)
{
    const auto size = static_cast<std::uint32_t>(text.size());
    std::string out(sizeof size, '\0');
    std::char_traits<char>::copy(out.data(), reinterpret_cast<const char*>(&size), sizeof size);
    return out += text;
}

Result<std::string> read_text(int socket)
{
    std::uint32_t size = 0;
    auto got = read_exact(socket, reinterpret_cast<char*>(&size), sizeof size);
    if (!got || !*got || size > longest_text)
        return fail(Status::temp_fail, "broken request");
    std::string text(size, '\0');
    if (size > 0) {
        auto rest = read_exact(socket, text.data(), size);
        if (!rest || !*rest)
            return fail(Status::temp_fail, "broken request");
    }
    return text;
}

void report(int fd, const std::string& text)
{
    (void)write_all(fd, text); // nobody else could be told
}

/// Takes one request; false when there will be no more.
bool serve(int socket, const Commands& commands, std::chrono::seconds time_limit, std::vector<Running>& running)
{
    auto received = receive_fds(socket);
    if (!received || received->count != 3)
        return false;
    auto name = read_text(socket);
    auto sender = read_text(socket);
    auto recipient = read_text(socket);
    if (!name || !sender || !recipient)
        return false;
    const auto command = commands.find(*name);
    if (command == commands.end()) {
        report(received->fds[2].value(), "error no such command");
        return true;
    }
    auto arguments = expand_command(command->second, *sender, *recipient);
    if (!arguments) {
        report(received->fds[2].value(), "error " + arguments.error().message);
        return true;
    }
    const ChildIo io{received->fds[0].value(), received->fds[1].value(), received->fds[1].value()};
    auto child = start_child(*arguments, io);
    if (!child) {
        report(received->fds[2].value(), "error " + child.error().message);
        return true;
    }
    Running one;
    one.pid = child->pid;
    one.process.reset(static_cast<int>(::syscall(SYS_pidfd_open, child->pid, 0)));
    one.report = std::move(received->fds[2]);
    one.deadline = std::chrono::steady_clock::now() + time_limit;
    running.push_back(std::move(one));
    return true;
}

/// Reports a command that has ended, ends one whose time is over; true when it is done with.
bool look_after(Running& one)
{
    int status = 0;
    if (::waitpid(one.pid, &status, WNOHANG) == one.pid) {
        report(one.report.value(), one.timed_out ? std::string("timeout") : "status " + std::to_string(status));
        return true;
    }
    if (!one.timed_out && std::chrono::steady_clock::now() >= one.deadline) {
        one.timed_out = true;
        ::kill(one.pid, SIGKILL);
    }
    return false;
}

} // namespace

void run_starter(int socket, const Commands& commands, std::chrono::seconds time_limit)
{
    ::signal(SIGPIPE, SIG_IGN);
    std::vector<Running> running;
    bool open = true;
    while (open) {
        std::vector<pollfd> fds{{socket, POLLIN, 0}};
        for (const auto& one : running)
            fds.push_back({one.process.value(), POLLIN, 0});
        const int timeout_ms = running.empty() ? -1 : 250; // for deadlines
        if (::poll(fds.data(), fds.size(), timeout_ms) < 0 && errno != EINTR)
            break;
        if (fds[0].revents != 0)
            open = serve(socket, commands, time_limit, running);
        std::erase_if(running, look_after);
    }
    for (const auto& one : running)
        ::kill(one.pid, SIGTERM);
}

Result<void> request_start(int socket, const std::array<int, 3>& fds, std::string_view name, std::string_view sender,
                           std::string_view recipient)
{
    if (auto sent = send_fds(socket, 'R', fds.data(), fds.size()); !sent)
        return sent;
    return write_all(socket, length_prefixed(name) + length_prefixed(sender) + length_prefixed(recipient));
}

Result<StarterReport> parse_report(std::string_view text)
{
    if (text == "timeout")
        return StarterReport{.wait_status = 0, .timed_out = true};
    if (text.starts_with("status "))
        if (const auto status = parse_number(text.substr(7)); status && *status <= 0xFFFF)
            return StarterReport{.wait_status = static_cast<int>(*status), .timed_out = false};
    if (text.starts_with("error "))
        return fail(Status::temp_fail, std::string(text.substr(6)));
    return fail(Status::temp_fail, "the process that starts commands has died");
}

} // namespace mgw::smtp
