#define BOOST_PROCESS_USE_STD_FS 1
#include "lib/core/child.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/error.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <boost/process/posix.hpp>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ; // NOLINT: POSIX declares it nowhere

namespace mgw
{

namespace bp = boost::process;

namespace
{

bool passes(std::string_view entry)
{
    static constexpr std::array names{
        "PATH",   "HOME",           "LANG",      "LC_ALL",           "TZ", "USER", "LOGNAME",
        "TMPDIR", "XDG_STATE_HOME", "GNUPGHOME", "SOURCE_DATE_EPOCH"};
    const auto name = entry.substr(0, entry.find('='));
    return name.starts_with("MGW_") || std::ranges::find(names, name) != names.end();
}

/// Runs in the child between fork and exec: signals as a program expects them, and no descriptor of ours.
struct Clean : bp::extend::handler {
    explicit Clean(const ChildIo& io) : own_group(io.own_group), parent(::getpid()) {}

    template <class Executor> void on_exec_setup(Executor&) const
    {
        ::signal(SIGPIPE, SIG_DFL);
        ::signal(SIGXFSZ, SIG_DFL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        if (own_group) {
            ::setpgid(0, 0);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) // it died before we asked
                ::_exit(1);
        }
        ::syscall(SYS_close_range, 3U, ~0U,
                  CLOSE_RANGE_CLOEXEC); // the pipe that reports a failed exec stays until then
    }

    bool own_group;
    pid_t parent;
};

std::string executable_in(const std::string& directory, const std::string& name)
{
    std::string path = directory + "/" + name;
    return ::access(path.c_str(), X_OK) == 0 ? path : std::string{};
}

} // namespace

std::string find_program(const std::string& name)
{
    if (name.contains('/'))
        return ::access(name.c_str(), X_OK) == 0 ? name : std::string{};
    if (name.starts_with("mgw-")) {
        std::array<char, 4096> self{};
        const ssize_t n = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
        if (n > 0) {
            const std::string path(self.data(), static_cast<std::size_t>(n));
            if (auto found = executable_in(path.substr(0, path.rfind('/')), name); !found.empty())
                return found;
        }
    }
    const char* path = std::getenv("PATH");
    for (const auto directory : split(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':'))
        if (auto found = executable_in(std::string(directory.empty() ? "." : directory), name); !found.empty())
            return found;
    return {};
}

Result<Child> start_child(const Arguments& arguments, const ChildIo& io, const std::vector<std::string>& extra)
{
    const std::string path = find_program(arguments.at(0));
    if (path.empty())
        return fail(Status::config, "no such program: " + arguments[0], "look at PATH, or name it with its folder");
    bp::environment environment;
    const auto add = [&](std::string_view entry) {
        const auto at = entry.find('=');
        if (at != std::string_view::npos)
            environment[std::string(entry.substr(0, at))] = std::string(entry.substr(at + 1));
    };
    for (char** entry = environ; *entry != nullptr; ++entry)
        if (passes(*entry))
            add(*entry);
    for (const auto& entry : extra)
        add(entry);

    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    const int in = io.in >= 0 ? io.in : null;
    const int out = io.out >= 0 ? io.out : null;
    const int err = io.err >= 0 ? io.err : STDERR_FILENO;
    std::error_code error;
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    bp::child child(bp::exe = path, bp::args = rest, environment, bp::posix::fd.bind(STDIN_FILENO, in),
                    bp::posix::fd.bind(STDOUT_FILENO, out), bp::posix::fd.bind(STDERR_FILENO, err), Clean{io}, error);
    ::close(null);
    if (error)
        return fail(Status::temp_fail, "cannot start " + path + ": " + error.message());
    const Child result{child.id(), arguments[0].substr(arguments[0].rfind('/') + 1)};
    child.detach(); // the caller waits by pid
    return result;
}

std::string describe_wait_status(int status)
{
    if (WIFSIGNALED(status))
        return "killed by signal " + std::to_string(WTERMSIG(status));
    return "exit status " + std::to_string(WEXITSTATUS(status));
}

} // namespace mgw
