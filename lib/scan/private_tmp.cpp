#include "lib/scan/private_tmp.hpp"

#include <array>
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

/// The life of the process that removes the folder: waits for the last holder of the pipe.
[[noreturn]] void remove_when_alone(const std::string& path, int pipe)
{
    // a descriptor of ours kept open here would keep a pipeline's reader waiting
    ::dup2(pipe, 0);
    ::close_range(1, ~0U, 0);
    ::setsid();
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE})
        std::signal(signal, SIG_IGN);
    if (::chdir("/") != 0)
        ::_exit(1);
    char octet = 0;
    while (::read(0, &octet, 1) < 0 && errno == EINTR) {
    }
    std::error_code error;
    std::filesystem::remove_all(path, error);
    ::_exit(0);
}

/// Twice forked, so that nobody who waits for any child meets it.
Result<void> start_remover(const std::string& path, int pipe)
{
    const pid_t child = ::fork();
    if (child < 0)
        return fail_errno(errno, "cannot fork");
    if (child == 0) {
        const pid_t remover = ::fork();
        if (remover == 0)
            remove_when_alone(path, pipe);
        ::_exit(remover < 0 ? 1 : 0);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0)
        return fail(Status::temp_fail, "cannot fork the process that removes '" + path + "'");
    return {};
}

} // namespace

Result<PrivateTmp> PrivateTmp::make(const std::string& parent)
{
    PrivateTmp tmp;
    tmp.path_ = choose_parent(parent) + "/mgw-scan.XXXXXX";
    if (::mkdtemp(tmp.path_.data()) == nullptr)
        return fail(Status::config,
                    "cannot make a private folder '" + tmp.path_ + "': " + std::generic_category().message(errno),
                    "give --tmp-dir a folder that this user may write to, best a tmpfs");
    struct statfs system {};
    tmp.tmpfs_ = ::statfs(tmp.path_.c_str(), &system) == 0 && system.f_type == TMPFS_MAGIC;
    auto pipe = make_pipe();
    if (!pipe)
        return pass(pipe);
    if (auto started = start_remover(tmp.path_, pipe->first.value()); !started) {
        ::rmdir(tmp.path_.c_str());
        return pass(started);
    }
    tmp.alive_ = std::move(pipe->second);
    return tmp;
}

} // namespace mgw::scan
