#include "lib/core/sandbox.hpp"

#include "lib/core/fd.hpp"
#include "syscall_filters.hpp" // made at build time

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <span>
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
constexpr std::uint64_t scope_signal = 1ULL << 1;
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
    if (abi >= 6 && !rights.signals) {
        size += sizeof attributes.scoped;
        attributes.scoped = scope_signal;
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

Result<void> confine_calls(const Rights& rights)
{
    // compiled at build time from lib/core/generate/syscall_filters.cpp: compiling here would cost more CPU than all
    // else that a small tool does with one message
    using Program = std::span<const sock_filter>;
    const bool files = !rights.write.empty();
    Program filter = files ? Program(syscalls::local_files) : syscalls::local;
    if (rights.network && rights.unix_sockets)
        filter = files ? Program(syscalls::network_unix_files) : syscalls::network_unix;
    else if (rights.network)
        filter = files ? Program(syscalls::network_files) : syscalls::network;
    else if (rights.unix_sockets)
        filter = files ? Program(syscalls::unix_only_files) : syscalls::unix_only;
    const sock_fprog program{static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
        return fail_errno(errno, "cannot load the seccomp filter");
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
