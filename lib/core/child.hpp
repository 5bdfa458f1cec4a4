#pragma once

#include "lib/core/command.hpp"
#include "lib/core/result.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace mgw
{

/// A started program. Boost.Process starts it; whoever started it waits for it (waitpid).
struct Child {
    pid_t pid = -1;
    std::string name; ///< for complaints: "mgw-filter"
};

struct ChildIo {
    int in = -1;  ///< becomes its standard input; -1 for /dev/null
    int out = -1; ///< becomes its standard output; -1 for /dev/null
    int err = -1; ///< becomes its standard error; -1 keeps ours
    /// It leads a process group of its own, so that kill(-pid) reaches what it started, too; it is killed when the
    /// process that started it dies.
    bool own_group = false;
};

/// Starts `arguments` (no shell). A name without '/' that begins with "mgw-" is first looked for in the folder of the
/// running executable, then in PATH. The environment is cut to PATH, HOME, LANG, LC_ALL, TZ, USER, LOGNAME, TMPDIR,
/// XDG_STATE_HOME, GNUPGHOME, SOURCE_DATE_EPOCH and MGW_…, and `extra` ("NAME=value") added. Every descriptor but 0 to
/// 2 is closed in it. Status::config when there is no such program.
Result<Child> start_child(const Arguments& arguments, const ChildIo& io, const std::vector<std::string>& extra = {});

/// Where that program is, by the same rules; empty if there is none.
std::string find_program(const std::string& name);

/// "exit status 75" or "killed by signal 9", from waitpid's status.
std::string describe_wait_status(int status);

} // namespace mgw
