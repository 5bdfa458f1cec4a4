#include "tools/mgw-recv/stdio_pump.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::recv
{

namespace
{

/// Never waits for one direction while the other could go on.
void pump(int socket)
{
    std::array<char, 65536> up;
    std::array<char, 65536> down;
    std::string_view waiting;
    bool input_open = true;
    for (;;) {
        std::array<pollfd, 2> polled{{{input_open && waiting.empty() ? STDIN_FILENO : -1, POLLIN, 0},
                                      {socket, static_cast<short>(POLLIN | (waiting.empty() ? 0 : POLLOUT)), 0}}};
        if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR)
            return;
        if (polled[0].revents != 0) {
            const ssize_t n = ::read(STDIN_FILENO, up.data(), up.size());
            waiting = {up.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
            if (n <= 0) {
                input_open = false;
                ::shutdown(socket, SHUT_WR);
            }
        }
        if (!waiting.empty()) {
            const ssize_t n = ::send(socket, waiting.data(), waiting.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n > 0)
                waiting.remove_prefix(static_cast<std::size_t>(n));
            else if (errno != EAGAIN && errno != EINTR) {
                waiting = {};
                input_open = false;
            }
        }
        if ((polled[1].revents & (POLLIN | POLLHUP)) != 0) {
            const ssize_t n = ::read(socket, down.data(), down.size());
            if (n <= 0 || !write_all(STDOUT_FILENO, {down.data(), static_cast<std::size_t>(n)}))
                return;
        }
    }
}

} // namespace

Result<StdioSocket> connect_stdio()
{
    StdioSocket out;
    struct stat st {};
    if (::fstat(STDIN_FILENO, &st) == 0 && S_ISSOCK(st.st_mode)) {
        out.socket.reset(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
        return out;
    }
    auto pair = make_socket_pair();
    if (!pair)
        return pass(pair);
    auto pipe = make_pipe();
    if (!pipe)
        return pass(pipe);
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_errno(errno, "cannot start a process");
    if (pid == 0) {
        pair->second.reset();
        pipe->first.reset();
        pump(pair->first.value());
        ::_exit(0); // the write end of `pipe` closes with it
    }
    out.socket = std::move(pair->second);
    out.done = std::move(pipe->first);
    return out;
}

} // namespace mgw::recv
