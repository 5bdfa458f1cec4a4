#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/limits.hpp"
#include "lib/core/log.hpp"
#include "lib/core/random.hpp"
#include "lib/core/result.hpp"
#include "lib/smtp/milter_edits.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace mgw::smtp
{

/// A bound, listening socket.
struct MilterListener {
    int fd = -1;
    std::string name; ///< for Mgw-Client: the port, or the path of a Unix socket
};

struct MilterFrontOptions {
    Limits limits;
    MilterRules rules;
    std::size_t memory_octets = 256U << 20; ///< of all messages in progress
    std::size_t connections = 1000;
    std::chrono::seconds session_timeout{3600}; ///< of a connection without a message
    std::chrono::milliseconds lane_timeout{300'000};
    std::chrono::milliseconds drain_timeout{30'000};
    bool per_message = false;
    Clock clock;
    Random random;
    Log* log = nullptr;
    std::function<void(const Error&)> complain;
    std::function<void(const std::string&)> warn;
    std::function<Result<void>()> confine = [] { return Result<void>{}; }; ///< after set-up
};

/// Serves the milter protocol to mail servers in one thread, until `control` (see LaneNote) says stop or ends. Lanes,
/// which give frames, come over `control`.
Result<Status> run_milter_front(MilterFrontOptions options, const std::vector<MilterListener>& listeners, Fd control);

} // namespace mgw::smtp
