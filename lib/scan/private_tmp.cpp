#include "lib/scan/private_tmp.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <linux/magic.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mgw::scan
{

namespace
{

std::string choose_parent(const std::string& wanted)
{
    if (!wanted.empty())
        return wanted;
    if (::access("/dev/shm", W_OK | X_OK) == 0)
        return "/dev/shm";
    const char* tmp = std::getenv("TMPDIR");
    return tmp != nullptr && *tmp != '\0' ? tmp : "/tmp";
}

/// What the keeper says when the folder is made, or could not be.
struct Made {
    int error = 0;
    char path[4096] = {};
};

/// The life of the process that keeps the folder: makes it, says so, waits for the last holder of the pipe, removes it.
/// It makes the folder itself, so that there is no moment in which the folder exists and nobody is there to remove it.
[[noreturn]] void keep(std::string path, int alive, int answer)
{
    // a descriptor of ours kept open here would keep a pipeline's reader waiting
    ::dup2(alive, 0);
    ::dup2(answer, 1);
    ::close_range(2, ~0U, 0);
    ::setsid();
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE})
        std::signal(signal, SIG_IGN);
    if (::chdir("/") != 0)
        ::_exit(1);
    Made made;
    if (::mkdtemp(path.data()) == nullptr)
        made.error = errno;
    path.copy(made.path, sizeof made.path - 1);
    (void)!::write(1, &made, sizeof made);
    ::close(1);
    if (made.error != 0)
        ::_exit(1);
    char octet = 0;
    while (::read(0, &octet, 1) < 0 && errno == EINTR) {
    }
    std::error_code error;
    std::filesystem::remove_all(path, error);
    ::_exit(0);
}

/// Twice forked, so that nobody who waits for any child meets it.
Result<void> start_keeper(const std::string& path, int alive, int answer)
{
    const pid_t child = ::fork();
    if (child < 0)
        return fail_errno(errno, "cannot fork");
    if (child == 0) {
        const pid_t keeper = ::fork();
        if (keeper == 0)
            keep(path, alive, answer);
        ::_exit(keeper < 0 ? 1 : 0);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0)
        return fail(Status::temp_fail, "cannot fork the process that keeps the private folder");
    return {};
}

/// A write of that size to a pipe may come in pieces (PIPE_BUF is 4,096).
bool read_made(int fd, Made& made)
{
    std::size_t at = 0;
    while (at < sizeof made) {
        const auto n = ::read(fd, reinterpret_cast<char*>(&made) + at, sizeof made - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += static_cast<std::size_t>(n);
    }
    return true;
}

} // namespace

Result<PrivateTmp> PrivateTmp::make(const std::string& parent)
{
    std::error_code failed;
    const auto path = std::filesystem::absolute(choose_parent(parent), failed).string() + "/mgw-scan.XXXXXX";
    if (failed || path.size() >= sizeof Made::path)
        return fail(Status::config, "the path of the private folder is no path or too long");
    auto alive = make_pipe();
    if (!alive)
        return pass(alive);
    auto answer = make_pipe();
    if (!answer)
        return pass(answer);
    if (auto started = start_keeper(path, alive->first.value(), answer->second.value()); !started)
        return pass(started);
    answer->second.reset();
    Made made;
    if (!read_made(answer->first.value(), made))
        return fail(Status::temp_fail, "the process that keeps the private folder has ended");
    if (made.error != 0)
        return fail(Status::config,
                    "cannot make a private folder '" + path + "': " + std::generic_category().message(made.error),
                    "give --tmp-dir a folder that this user may write to, best a tmpfs");
    PrivateTmp tmp;
    tmp.path_ = made.path;
    struct statfs system {};
    tmp.tmpfs_ = ::statfs(made.path, &system) == 0 && system.f_type == TMPFS_MAGIC;
    tmp.alive_ = std::move(alive->second);
    return tmp;
}

} // namespace mgw::scan
