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
    std::vector<Arguments> stages;        ///< with --input=frames
    std::vector<Arguments> given;         ///< as the user wrote them
    bool per_message = false;             ///< started anew for each message
    std::vector<std::string> environment; ///< "NAME=value" for every stage
    bool gives_frames = false;            ///< no sink at its end: what the filters made of a message comes back

    /// Only `mgw-queue add` stores a message for several recipients in one step. Before other sinks an SMTP client,
    /// which can be given one reply only, sends one recipient a message.
    bool takes_many_recipients() const;
    /// Programs that are not of mgw: they are not confined.
    std::vector<std::string> foreign_programs() const;
};

/// Splits `pipeline` at '|'. `--input=frames` is appended to each stage, before `--each`, behind which all belongs to
/// another program. Status::config for an empty stage, for a program that is not there, and for mgw-scan with
/// `per_message`: it would load its signatures for each message.
Result<LanePlan> plan_lane(std::string_view pipeline, bool per_message);

/// Status::config when the last stage is a filter, which passes messages on and answers nothing.
Result<void> require_sink(const LanePlan& plan);

/// Status::config when the last stage is a sink, which keeps messages and gives none back.
Result<void> require_filters(const LanePlan& plan);

/// Running stages: frames go into `input`, the last stage's standard output is `answers`.
struct Lane {
    Fd input;
    Fd answers;
    std::vector<Child> stages;
};
/// A lane that gives frames is sent one without members first: it comes back once every stage is at work.
Result<Lane> start_lane(const LanePlan& plan);

/// Looks for the first octets of a lane's answers, the line "MGW1 sink" or the frame without members, and takes not an
/// octet more.
class LaneGreeting {
public:
    explicit LaneGreeting(bool gives_frames = false) : gives_frames_(gives_frames) {}
    /// Reads what is there (the descriptor must be ready); true once all came. Status::config when the last stage
    /// ended, or wrote something else: it is not of the kind that is wanted.
    Result<bool> read(int answers);

private:
    bool gives_frames_;
    std::string seen_;
};

/// Waits for the greeting of a sink. Status::temp_fail after `timeout`.
Result<void> wait_for_sink(int answers, std::chrono::milliseconds timeout);

/// Starts each stage of mgw with --check instead; the caller waits for them.
Result<std::vector<Child>> start_checks(const LanePlan& plan);

/// Starts the checks and waits. Status::config when one fails.
Result<void> check_lane(const LanePlan& plan);

/// Waits for a child; its wait status.
int wait_for_child(pid_t pid);

} // namespace mgw::smtp
