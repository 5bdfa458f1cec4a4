#pragma once

#include "lib/core/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mgw
{

/// An owned file descriptor, closed by the destructor.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept
    {
        reset(std::exchange(other.fd_, -1));
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    int value() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);

private:
    int fd_ = -1;
};

/// Two connected ends; for a pipe `first` reads and `second` writes.
struct FdPair {
    Fd first;
    Fd second;
};

/// A pipe with both ends close-on-exec.
Result<FdPair> make_pipe();

/// A connected pair of stream sockets, close-on-exec.
Result<FdPair> make_socket_pair();

/// Reads until end of file. Status::temp_fail on a read error, Status::data beyond `limit_octets`.
Result<std::string> read_all(int fd, std::size_t limit_octets);

/// Writes all of `octets`, waiting where the descriptor is not ready. Status::temp_fail on an error (a full disk, a
/// closed pipe: SIGPIPE is ignored by the tools).
Result<void> write_all(int fd, std::string_view octets);

/// Reads exactly `count` octets into `into`; false at end of file before the first octet.
Result<bool> read_exact(int fd, char* into, std::size_t count);

/// Contents of a file. Status::config when it cannot be opened or is larger than `limit_octets`.
Result<std::string> read_file(const std::string& path, std::size_t limit_octets = 64U << 20);

/// Passes descriptors over a Unix stream socket with one octet of data (SCM_RIGHTS), at most 8.
Result<void> send_fds(int socket, char octet, const int* fds, std::size_t count);

/// Receives what send_fds sent; `fds` gets at most `capacity` descriptors. Returns the octet, or nothing at end of
/// file.
struct ReceivedFds {
    char octet = 0;
    std::size_t count = 0;
    Fd fds[8];
};
Result<ReceivedFds> receive_fds(int socket);

} // namespace mgw
