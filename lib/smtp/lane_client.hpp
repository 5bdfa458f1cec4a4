#pragma once

#include "lib/core/fd.hpp"
#include "lib/smtp/lane_book.hpp"
#include "lib/smtp/server_stamp.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace boost::asio
{
class io_context;
}

namespace mgw::smtp
{

/// Hands messages to the current lane and their answers back. Runs in the front, on its event loop.
class LaneClient {
public:
    using Done = std::function<void(LaneOutcome)>;

    /// `want` asks the supervisor for a lane instead of the one with that serial number (0: of none); with
    /// `per_message` once for each message. With `frames` the lanes end without a sink and give frames within these
    /// limits.
    LaneClient(boost::asio::io_context& io, bool per_message, std::function<void(std::uint8_t)> want,
               std::function<void(const Error&)> complain, std::optional<Limits> frames = std::nullopt);
    ~LaneClient();
    LaneClient(const LaneClient&) = delete;
    LaneClient& operator=(const LaneClient&) = delete;

    /// A lane that is ready, its greeting taken. The one before it gets no more messages and drains.
    void add_lane(Fd input, Fd answers, std::uint8_t serial);
    /// A stage of that lane ended: its input is closed; what was not written yet goes to the next lane; what the later
    /// stages still answer counts, the rest gets 451.
    void lane_died(std::uint8_t serial);

    /// `done` is called once, later, with the sink's answers or the frame; with 451 4.3.0 after `give_up`, or when the
    /// lane broke.
    void deliver(LaneFrame frame, std::size_t recipients, std::chrono::steady_clock::time_point give_up, Done done);
    std::size_t in_flight() const;
    /// To be called a few times a second: gives up on what is overdue. A lane that said nothing since is given up, too.
    void tick();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mgw::smtp
