#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"
#include "lib/smtp/door_plan.hpp"
#include "lib/state/store.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mgw::smtp
{

struct DoorProcessOptions {
    DoorPlan plan;
    state::StoreOptions state; ///< no location: in memory
    dns::Options dns;
    unsigned threads = 16; ///< each waits for one question's look-ups
    Clock clock;
    std::function<void(const Error&)> complain;
    std::function<Result<void>()> confine = [] { return Result<void>{}; }; ///< once the lists are read
};

/// The two ends of what front and door say to each other: datagrams of door_wire. Both ends outlive both processes, so
/// that either can be started again and goes on with what waits there.
Result<FdPair> make_door_link();

/// What the supervisor says to the door, an octet.
constexpr char door_reload = 'R';

/// Answers questions from `link` until `control` ends. door_reload reads the lists again; where one is wrong, the old
/// ones stay. A DNS list that fails its self-test (at the start and after each reload) is complained about.
Result<Status> run_door(const DoorProcessOptions& options, Fd link, Fd control);

/// Whether the lists can be read, the DNS lists pass their self-test and the state can be opened. The error is the
/// first thing that is wrong; what is wrong for the time being (a time-out) is `warn`ed about only.
Result<void> check_door(const DoorProcessOptions& options, bool asks_lists,
                        const std::function<void(const std::string&)>& warn);

} // namespace mgw::smtp
