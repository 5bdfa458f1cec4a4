// Compiles the seccomp filters of lib/core/sandbox with libseccomp and writes them into a C++ header, its argument: a
// build-time program.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/filter.h>
#include <memory>
#include <seccomp.h>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace
{

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

/// What changes folders and files' metadata, which Landlock leaves free: only for who may write somewhere.
constexpr std::array file_calls{
    SCMP_SYS(mkdir),    SCMP_SYS(mkdirat),  SCMP_SYS(rmdir),     SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    SCMP_SYS(rename),   SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(link),   SCMP_SYS(linkat),
    SCMP_SYS(chmod),    SCMP_SYS(fchmod),   SCMP_SYS(fchmodat),  SCMP_SYS(chown),  SCMP_SYS(fchown),
    SCMP_SYS(fchownat), SCMP_SYS(lchown),   SCMP_SYS(utimensat),
};

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

/// Everything not named is EPERM. Returns an empty program on failure.
std::vector<sock_filter> compile(bool network, bool unix_sockets, bool files)
{
    const Filter filter{seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release};
    if (!filter)
        return {};
    // a binary tree: the kernel runs the filter once for each of its calls when it is loaded
    int failed = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    const auto allow = [&](int call) {
        if (const int rc = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0); rc != 0)
            failed = rc;
    };
    const auto allow_family = [&](int family) {
        if (const int rc = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                            SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(family)));
            rc != 0)
            failed = rc;
    };
    for (const int call : base_calls)
        allow(call);
    if (files)
        for (const int call : file_calls)
            allow(call);
    if (network) {
        allow_family(AF_INET);
        allow_family(AF_INET6);
        allow_family(AF_NETLINK); // getaddrinfo asks for the addresses of this machine
    }
    if (unix_sockets)
        allow_family(AF_UNIX);
    if (network || unix_sockets) {
        allow(SCMP_SYS(connect));
        allow(SCMP_SYS(bind));
    }
    const int fd = ::memfd_create("filter", MFD_CLOEXEC);
    if (failed != 0 || fd < 0 || seccomp_export_bpf(filter.get(), fd) != 0)
        return {};
    const off_t size = ::lseek(fd, 0, SEEK_END);
    std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
    const ssize_t got = ::pread(fd, program.data(), static_cast<std::size_t>(size), 0);
    ::close(fd);
    return got == size ? program : std::vector<sock_filter>{};
}

bool print(const std::string& name, const std::vector<sock_filter>& program)
{
    if (program.empty() || program.size() > BPF_MAXINSNS) {
        std::fprintf(stderr, "cannot compile the seccomp filter %s\n", name.c_str());
        return false;
    }
    std::printf("inline constexpr sock_filter %s[] = {\n", name.c_str());
    for (const auto& i : program)
        std::printf("    {%u, %u, %u, %uU},\n", i.code, i.jt, i.jf, i.k);
    std::printf("};\n");
    return true;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2 || std::freopen(argv[1], "w", stdout) == nullptr)
        return 64;
    std::printf("#pragma once\n#include <linux/filter.h>\nnamespace mgw::syscalls\n{\n");
    bool good = true;
    for (const bool files : {false, true}) {
        const std::string end = files ? "_files" : "";
        good = good && print("local" + end, compile(false, false, files)) &&
               print("network" + end, compile(true, false, files)) &&
               print("unix_only" + end, compile(false, true, files)) &&
               print("network_unix" + end, compile(true, true, files));
    }
    std::printf("} // namespace mgw::syscalls\n");
    return good && std::fflush(stdout) == 0 ? 0 : 1;
}
