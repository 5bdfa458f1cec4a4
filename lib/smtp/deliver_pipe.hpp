#pragma once

#include "lib/core/command.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"
#include "lib/smtp/deliver_final.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace mgw::smtp
{

/// Commands by name. `{sender}` and `{recipient}` inside an argument stand for the envelope's addresses; what they
/// bring stays one argument.
using Commands = std::map<std::string, Arguments>;

/// Reads "NAME=cmd arg…" into `commands`. Status::usage when it is malformed or the name is there, Status::config for a
/// program that does not exist.
Result<void> add_command(Commands& commands, std::string_view text);

/// The arguments for one message. Status::data when an address would stand at the start of an argument and begins with
/// '-': a program would take it for an option.
Result<Arguments> expand_command(const Arguments& command, std::string_view sender, std::string_view recipient);

/// What a delivery program's wait status means (<sysexits.h>): 0 delivered; 65, 67, 68, 69, 76 and 77 are its judgement
/// of the mail, 5xx; all else is trouble that may pass, 4xx. `output` is what it printed.
Outcome outcome_of_exit(const std::string& name, int wait_status, std::string_view output);

/// Delivers to programs. They are started by a small process of its own, made before confinement and before anything
/// foreign is read: it takes a name and two addresses, and starts declared commands only.
class Pipes {
public:
    Pipes() = default;
    ~Pipes();
    Pipes(const Pipes&) = delete;
    Pipes& operator=(const Pipes&) = delete;

    /// Forks the starter; call it before threads are made. Does nothing without commands.
    Result<void> start(Commands commands, std::chrono::seconds time_limit);
    /// Runs the command with the message on its standard input, waits for it. Usable from several threads.
    Outcome deliver(const std::string& name, const FinalMail& mail) const;

private:
    Commands commands_;
    std::chrono::seconds time_limit_{0};
    Fd socket_;
    pid_t starter_ = -1;
    mutable std::mutex mutex_;
};

} // namespace mgw::smtp
