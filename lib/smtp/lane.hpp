#pragma once

#include "lib/core/child.hpp"
#include "lib/core/command.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// The stages of a pipeline, ready to be started.
struct LanePlan {
    std::vector<Arguments> stages; ///< with --input=frames
    std::vector<Arguments> given;  ///< as the user wrote them
    bool per_message = false;      ///< started anew for each message

    /// Only `mgw-queue add` stores a message for several recipients in one step. Before other sinks an SMTP client, which can
    /// be given one reply only, sends one recipient a message.
    bool takes_many_recipients() const;
    /// Programs that are not of mgw: they are not confined.
    std::vector<std::string> foreign_programs() const;
};

/// Splits `pipeline` at '|'. `--input=frames` is appended to each stage, before `--each`, behind which all belongs to another program.
/// Status::config for an empty stage, for a program that is not there, and for mgw-scan with `per_message`: it would
/// load its signatures for each message.
Result<LanePlan> plan_lane(std::string_view pipeline, bool per_message);

/// Running stages: frames go into `input`, the last stage's standard output is `answers`.
struct Lane {
    Fd input;
    Fd answers;
    std::vector<Child> stages;
};
Result<Lane> start_lane(const LanePlan& plan);

/// Waits for the line "MGW1 sink" and takes not an octet more. Status::config when the last stage ends, or writes something
/// else: it is no sink. Status::temp_fail after `timeout`.
Result<void> wait_for_sink(int answers, std::chrono::milliseconds timeout);

/// Starts each stage of mgw with --check instead, one after the other. Status::config for the first that fails.
Result<void> check_lane(const LanePlan& plan);

/// Waits for a child; its wait status.
int wait_for_child(pid_t pid);

} // namespace mgw::smtp
