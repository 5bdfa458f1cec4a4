#pragma once

#include "lib/core/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mgw
{

/// What a process may still do after its set-up: its row in mgw(7)'s table of rights. Everything not named is refused.
struct Rights {
    std::vector<std::string> read;   ///< files and folders that may be read
    std::vector<std::string> write;  ///< folders in which files may be read, made, written and removed
    bool network = false;            ///< socket() for IPv4 and IPv6
    bool signals = false;            ///< signals to processes that are not confined with it: a parent of workers
    bool unix_sockets = false;       ///< socket() for AF_UNIX
    bool programs = false;           ///< fork and exec: then no confinement is inherited but what `programs` leaves
    std::uint64_t memory_octets = 0; ///< limit on the address space, 0 for none
};

enum class SandboxMode : char { automatic, require, off };

/// Confines the calling process: no_new_privs, Landlock (files, and TCP ports where the kernel has them), seccomp,
/// limits. `automatic` goes on without a feature that the kernel lacks; `require` makes that Status::config; `off` does
/// nothing. Returns a short text of what is in force, for --explain and records: "landlock+seccomp".
Result<std::string> confine(const Rights& rights, SandboxMode mode);

/// Landlock ABI of the running kernel, 0 if there is none.
int landlock_abi();

} // namespace mgw
