#include "lib/smtp/deliver_pipe.hpp"

#include "lib/core/child.hpp"
#include "lib/core/text.hpp"
#include "lib/smtp/deliver_starter.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t output_limit = 4096; // an answer carries 400 octets of it

/// Reads what the command prints until the starter reports its end; keeps the first octets, drops the rest.
Result<StarterReport> follow(int output, int report, std::string& text)
{
    std::string reported;
    std::array<pollfd, 2> fds{pollfd{report, POLLIN, 0}, pollfd{output, POLLIN, 0}};
    std::array<char, 8192> buffer{};
    bool ended = false;
    while (true) {
        const int n = ::poll(fds.data(), fds.size(), ended ? 0 : -1);
        if (n < 0 && errno != EINTR)
            return fail_errno(errno, "cannot wait for a command");
        if (n == 0)
            break; // it has ended and all that it printed is read
        if (fds[1].revents != 0) {
            const ssize_t got = ::read(output, buffer.data(), buffer.size());
            if (got > 0)
                text.append(buffer.data(), std::min(static_cast<std::size_t>(got),
                                                    output_limit - std::min(output_limit, text.size())));
            else
                fds[1].fd = -1;
        }
        if (fds[0].revents != 0) {
            const ssize_t got = ::read(report, buffer.data(), buffer.size());
            if (got > 0) {
                reported.append(buffer.data(), static_cast<std::size_t>(got));
            } else {
                fds[0].fd = -1;
                ended = true;
            }
        }
        if (ended && text.size() >= output_limit)
            break; // a grandchild may print for ever
    }
    return parse_report(reported);
}

} // namespace

Result<void> add_command(Commands& commands, std::string_view text)
{
    const auto equals = text.find('=');
    const std::string name(text.substr(0, equals));
    const bool named = !name.empty() && std::ranges::all_of(name, [](char c) { return c > 32 && c < 127 && c != '/'; });
    if (equals == std::string_view::npos || !named)
        return fail(Status::usage, "--command " + printable(text, 100) + ": not NAME=COMMAND",
                    "for example --command 'procmail=procmail -f {sender} -d {recipient}'");
    auto arguments = split_command(text.substr(equals + 1));
    if (!arguments)
        return pass(arguments);
    if (arguments->empty())
        return fail(Status::usage, "--command " + name + ": no command");
    if (find_program(arguments->front()).empty())
        return fail(Status::config, "--command " + name + ": no such program: " + arguments->front(),
                    "look at PATH, or name it with its folder");
    if (!commands.emplace(name, std::move(*arguments)).second)
        return fail(Status::usage, "--command " + name + " is given twice");
    return {};
}

Result<Arguments> expand_command(const Arguments& command, std::string_view sender, std::string_view recipient)
{
    Arguments out;
    for (const auto& argument : command) {
        std::string expanded;
        std::size_t at = 0;
        while (at < argument.size()) {
            const std::string_view rest = std::string_view(argument).substr(at);
            const bool is_sender = rest.starts_with("{sender}");
            const bool is_recipient = rest.starts_with("{recipient}");
            if (!is_sender && !is_recipient) {
                expanded += argument[at++];
                continue;
            }
            const std::string_view value = is_sender ? sender : recipient;
            if (at == 0 && value.starts_with('-'))
                return fail(Status::data, "an address that begins with '-' is not given to a command");
            expanded += value;
            at += is_sender ? 8 : 11;
        }
        out.push_back(std::move(expanded));
    }
    return out;
}

Outcome outcome_of_exit(const std::string& name, int wait_status, std::string_view output)
{
    const std::string said = printable_ascii(trim(output), 300);
    const std::string text =
        "command " + name + ": " +
        (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 ? "delivered" : describe_wait_status(wait_status)) +
        (said.empty() ? "" : ": " + said);
    if (!WIFEXITED(wait_status))
        return {451, "4.3.0", text, {}};
    switch (WEXITSTATUS(wait_status)) {
    case 0:
        return {250, "2.0.0", text, {}};
    case 65:
        return {554, "5.6.0", text, {}}; // EX_DATAERR
    case 67:
        return {550, "5.1.1", text, {}}; // EX_NOUSER
    case 68:
        return {550, "5.1.2", text, {}}; // EX_NOHOST
    case 69:
        return {554, "5.3.0", text, {}}; // EX_UNAVAILABLE
    case 76:
        return {554, "5.5.0", text, {}}; // EX_PROTOCOL
    case 77:
        return {550, "5.7.0", text, {}}; // EX_NOPERM
    default:
        return {451, "4.3.0", text, {}};
    }
}

Pipes::~Pipes()
{
    socket_.reset(); // the starter ends
    if (starter_ > 0)
        ::waitpid(starter_, nullptr, 0);
}

Result<void> Pipes::start(Commands commands, std::chrono::seconds time_limit)
{
    commands_ = std::move(commands);
    time_limit_ = time_limit;
    if (commands_.empty())
        return {};
    auto pair = make_socket_pair();
    if (!pair)
        return pass(pair);
    starter_ = ::fork();
    if (starter_ < 0)
        return fail_errno(errno, "cannot fork");
    if (starter_ == 0) {
        pair->first.reset();
        const int null =
            ::open("/dev/null", O_RDWR | O_CLOEXEC); // who waits for the end of our output must not wait for it
        ::dup2(null, STDIN_FILENO);
        ::dup2(null, STDOUT_FILENO);
        run_starter(pair->second.value(), commands_, time_limit_);
        ::_exit(0);
    }
    socket_ = std::move(pair->first);
    return {};
}

Outcome Pipes::deliver(const std::string& name, const FinalMail& mail) const
{
    const auto command = commands_.find(name);
    if (command == commands_.end())
        return {451, "4.3.5", "no command " + printable_ascii(name, 100) + " is declared by --command", {}};
    const std::string sender = mail.sender.value_or("");
    if (!is_safe_path(sender) || !is_safe_path(mail.recipient))
        return {553, "5.1.3", "an address with control characters is not given to a command", {}};
    if (auto arguments = expand_command(command->second, sender, mail.recipient); !arguments)
        return {553, "5.1.3", arguments.error().message, {}};

    const Fd message{::memfd_create("message", MFD_CLOEXEC)};
    auto output = make_pipe();
    auto report = make_pipe();
    if (!message || !output || !report)
        return {451, "4.3.0", std::string("cannot start a command: ") + std::strerror(errno), {}};
    if (auto written = write_all(message.value(), final_octets(mail)); !written)
        return {451, "4.3.0", printable_ascii(written.error().message), {}};
    ::lseek(message.value(), 0, SEEK_SET);
    if (!mail.may_commit())
        return too_late();
    const std::array<int, 3> fds{message.value(), output->second.value(), report->second.value()};
    {
        const std::lock_guard lock(mutex_);
        if (auto sent = request_start(socket_.value(), fds, name, sender, mail.recipient); !sent)
            return {451, "4.3.0", "cannot start a command: " + printable_ascii(sent.error().message), {}};
    }
    output->second.reset();
    report->second.reset();
    std::string text;
    const auto ended = follow(output->first.value(), report->first.value(), text);
    if (!ended)
        return {451, "4.3.0", "command " + name + ": " + printable_ascii(ended.error().message), {}};
    if (ended->timed_out)
        return {
            451, "4.3.0", "command " + name + ": ended after " + std::to_string(time_limit_.count()) + " seconds", {}};
    return outcome_of_exit(name, ended->wait_status, text);
}

} // namespace mgw::smtp
