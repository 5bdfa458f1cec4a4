#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"
#include "lib/smtp/lane.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace mgw::smtp
{

/// What the supervisor and the front say to each other, an octet each, over a Unix socket. A second octet follows all
/// but stop: the lane's serial number.
enum class LaneNote : char {
    lane = 'L',         ///< to the front: a lane that is ready, with its two descriptors (input, answers)
    lane_died = 'D',    ///< to the front: a stage of that lane ended, close its input
    certificates = 'C', ///< to the front: a descriptor with the new ones; 0 follows
    keeper = 'K',       ///< to the front: the socket of a new keeper of passwords; 0 follows
    stop = 'T',         ///< to the front: take nothing new, finish, end
    want = 'W',         ///< from the front: a lane is wanted instead of that one (0: of none)
    ending = 'E',       ///< from the front: it ends by itself, what it leaves needs no successor
};

struct SupervisorOptions {
    LanePlan plan;
    std::chrono::milliseconds start_timeout{120'000}; ///< until a new lane's sink is ready
    std::chrono::milliseconds lane_timeout{300'000};  ///< of one message; a retired lane may live as long
    std::chrono::milliseconds drain_timeout{30'000};  ///< after SIGTERM
    /// Runs the front in a process of its own, with its end of the socket; gives that process' exit status.
    std::function<int(Fd control)> front;
    /// Runs the door in a process of its own (see run_door), if there is one; gives that process' exit status.
    std::function<int(Fd control)> door;
    /// Called once the first lane is ready and the front runs.
    std::function<void()> ready = [] {};
    /// Called at SIGHUP: new certificates for the front, as a text, empty for none. A failure is complained of, and the
    /// old ones stay.
    std::function<Result<std::string>()> certificates = [] { return std::string{}; };
    /// Called at SIGHUP: the socket of a new keeper of passwords for the front, none where it is not valid.
    std::function<Result<Fd>()> keeper = [] { return Fd{}; };
    std::function<void(const Error&)> complain;
    std::function<void(const std::string&)> warn;
    bool front_ends = false; ///< the front ends by itself (one session); otherwise it is started again
};

/// Starts the first lane and the front, then watches: a lane of which a stage ends is replaced (with growing pauses
/// while new ones end at once), the door likewise, SIGHUP checks the stages' configuration and moves new mail to a new
/// lane, SIGTERM and SIGINT drain. It reads nothing that came from outside. Status::config when the first lane does not
/// start or its last stage is no sink.
Result<Status> supervise(const SupervisorOptions& options);

} // namespace mgw::smtp
