#include "lib/core/sandbox.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/handle.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mgw
{

namespace
{

// The kernel's interface grew after the headers that Debian 12 builds with (linux/landlock.h of 6.1, ABI 2).
struct RulesetAttributes {
    std::uint64_t handled_access_fs;
    std::uint64_t handled_access_net; // since ABI 4
    std::uint64_t scoped;             // since ABI 6
};
constexpr std::uint64_t access_refer = 1ULL << 13;     // ABI 2
constexpr std::uint64_t access_truncate = 1ULL << 14;  // ABI 3
constexpr std::uint64_t access_ioctl_dev = 1ULL << 15; // ABI 5
constexpr std::uint64_t access_net_bind = 1ULL << 0;
constexpr std::uint64_t access_net_connect = 1ULL << 1;

constexpr std::uint64_t access_execute = LANDLOCK_ACCESS_FS_EXECUTE;
constexpr std::uint64_t access_read = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t access_file = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | access_truncate;
constexpr std::uint64_t access_first = (1ULL << 13) - 1; // all of ABI 1

std::uint64_t handled_by(int abi)
{
    std::uint64_t handled = access_first;
    if (abi >= 2)
        handled |= access_refer;
    if (abi >= 3)
        handled |= access_truncate;
    if (abi >= 5)
        handled |= access_ioctl_dev;
    return handled;
}

Result<void> allow_path(int ruleset, const std::string& path, std::uint64_t access, std::uint64_t handled)
{
    const Fd fd{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!fd)
        return {}; // what is not there cannot be read either
    struct stat st {};
    if (::fstat(fd.value(), &st) == 0 && !S_ISDIR(st.st_mode))
        access &= access_file | access_execute;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = access & handled;
    rule.parent_fd = fd.value();
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        return fail_errno(errno, "cannot add a Landlock rule for " + path);
    return {};
}

Result<void> confine_files(const Rights& rights, int abi)
{
    RulesetAttributes attributes{};
    attributes.handled_access_fs = handled_by(abi);
    std::size_t size = sizeof attributes.handled_access_fs;
    if (abi >= 4) {
        size += sizeof attributes.handled_access_net;
        if (!rights.network)
            attributes.handled_access_net = access_net_bind | access_net_connect;
    }
    const Fd ruleset{static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0))};
    if (!ruleset)
        return fail_errno(errno, "cannot make a Landlock ruleset");
    // what the C library reads when it is first needed: converters of iconv, the time zone
    for (const char* path : {"/usr/lib/x86_64-linux-gnu/gconv", "/usr/lib/aarch64-linux-gnu/gconv", "/etc/localtime",
                             "/usr/share/zoneinfo"})
        if (auto allowed = allow_path(ruleset.value(), path, access_read, attributes.handled_access_fs); !allowed)
            return allowed;
    for (const auto& path : rights.read)
        if (auto allowed = allow_path(ruleset.value(), path, access_read, attributes.handled_access_fs); !allowed)
            return allowed;
    for (const auto& path : rights.write)
        if (auto allowed = allow_path(ruleset.value(), path, handled_by(abi) & ~access_execute & ~access_ioctl_dev,
                                      attributes.handled_access_fs);
            !allowed)
            return allowed;
    if (::syscall(SYS_landlock_restrict_self, ruleset.value(), 0) != 0)
        return fail_errno(errno, "cannot enter the Landlock ruleset");
    return {};
}

/// What every tool needs to read, think, write and end.
constexpr std::array base_calls{
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(pwritev2),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(close_range),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(pipe2),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(sendfile),
    SCMP_SYS(copy_file_range),
    SCMP_SYS(memfd_create),
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(stat),
    SCMP_SYS(fstat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(umask),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(chmod),
    SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),
    SCMP_SYS(fchown),
    SCMP_SYS(fchownat),
    SCMP_SYS(lchown),
    SCMP_SYS(utimensat),
    SCMP_SYS(inotify_init1),
    SCMP_SYS(inotify_add_watch),
    SCMP_SYS(inotify_rm_watch),
    SCMP_SYS(chdir),
    SCMP_SYS(fchdir),
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(msync),
    SCMP_SYS(mlock),
    SCMP_SYS(mincore),
    SCMP_SYS(membarrier),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(signalfd4),
    SCMP_SYS(kill),
    SCMP_SYS(tgkill),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(alarm),
    SCMP_SYS(setitimer),
    SCMP_SYS(pause),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(clone),
    SCMP_SYS(clone3),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(wait4),
    SCMP_SYS(waitid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getpgrp),
    SCMP_SYS(getpgid),
    SCMP_SYS(getsid),
    SCMP_SYS(getgroups),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage),
    SCMP_SYS(prctl),
    SCMP_SYS(times),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getcpu),
    SCMP_SYS(ioctl),
    // on sockets that are open already
    SCMP_SYS(socketpair),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(listen),
    // a confined worker may confine itself further
    SCMP_SYS(landlock_create_ruleset),
    SCMP_SYS(landlock_add_rule),
    SCMP_SYS(landlock_restrict_self),
    SCMP_SYS(seccomp),
};

Result<void> confine_calls(const Rights& rights)
{
    const Handle<void, seccomp_release> filter{seccomp_init(SCMP_ACT_ERRNO(EPERM))};
    if (!filter)
        return fail(Status::temp_fail, "cannot make a seccomp filter");
    int failed = 0;
    for (const int call : base_calls)
        if (const int rc = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); rc != 0)
            failed = rc;
    const auto allow_family = [&](int family) {
        if (const int rc = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                            SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
            rc != 0)
            failed = rc;
    };
    if (rights.network) {
        allow_family(AF_INET);
        allow_family(AF_INET6);
        allow_family(AF_NETLINK); // getaddrinfo asks for the addresses of this machine
    }
    if (rights.unix_sockets)
        allow_family(AF_UNIX);
    if (rights.network || rights.unix_sockets)
        for (const int call : {SCMP_SYS(connect), SCMP_SYS(bind)})
            if (const int rc = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); rc != 0)
                failed = rc;
    if (failed != 0)
        return fail_errno(-failed, "cannot make a seccomp filter");
    if (const int rc = seccomp_load(filter.get()); rc != 0)
        return fail_errno(-rc, "cannot load the seccomp filter");
    return {};
}

Result<void> limit_memory(std::uint64_t octets)
{
    if (octets == 0)
        return {};
    const rlimit limit{octets, octets};
    if (::setrlimit(RLIMIT_AS, &limit) != 0)
        return fail_errno(errno, "cannot limit memory");
    return {};
}

} // namespace

int landlock_abi()
{
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : static_cast<int>(abi);
}

Result<std::string> confine(const Rights& rights, SandboxMode mode)
{
    if (mode == SandboxMode::off)
        return std::string("off");
    if (rights.programs)
        return std::string("none: starts programs");
    std::string in_force;
    const auto note = [&](Result<void> done, const char* what) -> Result<void> {
        if (done) {
            in_force.append(in_force.empty() ? "" : "+").append(what);
            return {};
        }
        if (mode == SandboxMode::require)
            return fail(Status::config, std::string("--sandbox=require: ") + what + ": " + done.error().message);
        return {};
    };
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail_errno(errno, "cannot give up new privileges");
    if (auto limited = limit_memory(rights.memory_octets); !limited)
        return pass(limited);
    const int abi = landlock_abi();
    auto files =
        note(abi > 0 ? confine_files(rights, abi) : Result<void>(fail(Status::config, "this kernel has no Landlock")),
             "landlock");
    if (!files)
        return pass(files);
    auto calls = note(confine_calls(rights), "seccomp");
    if (!calls)
        return pass(calls);
    return in_force.empty() ? std::string("none") : in_force;
}

} // namespace mgw
