#include "tools/mgw-queue/sender.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mgw::queue_tool
{

namespace
{
constexpr std::size_t longest_line = 64U << 10;
}

Result<Sender> Sender::start(const Arguments& command, const std::vector<std::string>& environment)
{
    auto to = make_pipe();
    auto from = make_pipe();
    if (!to || !from)
        return fail(Status::temp_fail, "cannot make a pipe for " + command[0]);
    auto arguments = command;
    arguments.emplace_back("--input=frames");
    auto child = start_child(arguments, {.in = to->first.value(), .out = from->second.value()}, environment);
    if (!child)
        return pass(child);
    Sender sender;
    sender.child_ = *child;
    sender.in_ = std::move(to->second);
    sender.answers_ = std::move(from->first);
    ::fcntl(sender.in_.value(), F_SETFL, O_NONBLOCK);
    ::fcntl(sender.answers_.value(), F_SETFL, O_NONBLOCK);
    return sender;
}

bool Sender::flush()
{
    while (in_ && written_ < out_.size()) {
        const ssize_t n = ::write(in_.value(), out_.data() + written_, out_.size() - written_);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            in_.reset();
            return false;
        }
        written_ += static_cast<std::size_t>(n);
    }
    out_.clear();
    written_ = 0;
    if (finishing_)
        in_.reset();
    return true;
}

std::vector<mail::Answer> Sender::receive(bool& ended)
{
    std::vector<mail::Answer> out;
    std::array<char, 65536> octets{};
    for (;;) {
        const ssize_t n = ::read(answers_.value(), octets.data(), octets.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            ended = n == 0 || errno != EAGAIN;
            break;
        }
        lines_.append(octets.data(), static_cast<std::size_t>(n));
    }
    std::size_t begin = 0;
    for (auto end = lines_.find('\n'); end != std::string::npos; end = lines_.find('\n', begin)) {
        const auto line = std::string_view(lines_).substr(begin, end - begin);
        begin = end + 1;
        if (line == mail::sink_ready)
            ready_ = true;
        else if (auto answer = mail::parse_answer(line))
            out.push_back(std::move(*answer));
    }
    lines_.erase(0, begin);
    ended = ended || lines_.size() > longest_line; // no sink speaks like that
    return out;
}

std::string Sender::wait()
{
    in_.reset();
    answers_.reset();
    int status = 0;
    while (::waitpid(child_.pid, &status, 0) < 0 && errno == EINTR) {
    }
    exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return child_.name + ": " + describe_wait_status(status);
}

void Sender::kill()
{
    ::kill(child_.pid, SIGKILL);
}

} // namespace mgw::queue_tool
