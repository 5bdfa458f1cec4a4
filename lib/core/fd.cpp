#include "lib/core/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw
{

void Fd::reset(int fd)
{
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = fd;
}

Result<FdPair> make_pipe()
{
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0)
        return fail_errno(errno, "cannot make a pipe");
    return FdPair{Fd{fds[0]}, Fd{fds[1]}};
}

Result<FdPair> make_socket_pair()
{
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return fail_errno(errno, "cannot make a socket pair");
    return FdPair{Fd{fds[0]}, Fd{fds[1]}};
}

namespace
{

/// Waits until a non-blocking descriptor is ready again.
void wait_for(int fd, short events)
{
    pollfd p{fd, events, 0};
    ::poll(&p, 1, -1);
}

} // namespace

Result<std::string> read_all(int fd, std::size_t limit_octets)
{
    std::string out;
    std::size_t used = 0;
    std::size_t step = 64U << 10;
    struct stat st {};
    if (::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        static_cast<std::size_t>(st.st_size) <= limit_octets)
        step = static_cast<std::size_t>(st.st_size) + 1; // the octet more sees the end of the file
    for (;;) {
        if (out.size() == used) // never earlier: what was not read yet would be copied, too
            out.resize_and_overwrite(used + step, [](char*, std::size_t n) { return n; });
        const ssize_t n = ::read(fd, out.data() + used, out.size() - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            wait_for(fd, POLLIN);
            continue;
        }
        if (n < 0)
            return fail_errno(errno, "cannot read");
        if (n == 0)
            break;
        used += static_cast<std::size_t>(n);
        if (used > limit_octets)
            return fail(Status::data, "input is larger than " + std::to_string(limit_octets) + " octets");
        step = std::clamp<std::size_t>(used / 2, 64U << 10, 8U << 20);
    }
    out.resize(used);
    return out;
}

Result<void> write_all(int fd, std::string_view octets)
{
    while (!octets.empty()) {
        const ssize_t n = ::write(fd, octets.data(), octets.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            wait_for(fd, POLLOUT);
            continue;
        }
        if (n < 0)
            return fail_errno(errno, "cannot write");
        octets.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Result<bool> read_exact(int fd, char* into, std::size_t count)
{
    std::size_t done = 0;
    while (done < count) {
        const ssize_t n = ::read(fd, into + done, count - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            wait_for(fd, POLLIN);
            continue;
        }
        if (n < 0)
            return fail_errno(errno, "cannot read");
        if (n == 0) {
            if (done == 0)
                return false;
            return fail(Status::temp_fail, "input ends in the middle");
        }
        done += static_cast<std::size_t>(n);
    }
    return true;
}

Result<std::string> read_file(const std::string& path, std::size_t limit_octets)
{
    const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!fd) {
        auto error = fail_errno(errno, "cannot open " + path);
        error.error().status = Status::config;
        return error;
    }
    auto text = read_all(fd.value(), limit_octets);
    if (!text) {
        text.error().status = Status::config;
        text.error().message = path + ": " + text.error().message;
    }
    return text;
}

Result<void> send_fds(int socket, char octet, const int* fds, std::size_t count)
{
    iovec data{&octet, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        std::memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    }
    while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
        if (errno == EAGAIN)
            wait_for(socket, POLLOUT);
        else if (errno != EINTR)
            return fail_errno(errno, "cannot pass descriptors");
    }
    return {};
}

Result<ReceivedFds> receive_fds(int socket)
{
    ReceivedFds out;
    iovec data{&out.octet, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t n = 0;
    while ((n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0) {
        if (errno == EAGAIN)
            wait_for(socket, POLLIN);
        else if (errno != EINTR)
            return fail_errno(errno, "cannot receive descriptors");
    }
    if (n == 0)
        return fail(Status::temp_fail, "the other end is closed");
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count && out.count < 8; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            out.fds[out.count++].reset(fd);
        }
    }
    return out;
}

} // namespace mgw
