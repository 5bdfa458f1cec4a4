#pragma once

#include "lib/mail/frame.hpp"
#include "lib/smtp/lane.hpp"
#include "lib/smtp/lane_book.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace mgw::smtp
{

/// What a lane made of one frame: the frame of its last filter, or its sink's answers.
struct Exchanged {
    std::optional<mail::Frame> frame;
    std::vector<mail::Answer> answers;
};

/// A lane used by one process for one message at a time. Ends with a sink or not.
class LaneExchange {
public:
    static Result<LaneExchange> open(const LanePlan& plan, const Limits& limits);
    LaneExchange(LaneExchange&&) = default;
    LaneExchange& operator=(LaneExchange&&) = delete;
    /// Stages that still run are killed: what was wanted of them is not wanted any more.
    ~LaneExchange() { close(std::chrono::milliseconds{0}); }

    /// Sends a frame and waits for what becomes of it. Status::temp_fail when a stage ends, hangs or writes nonsense.
    Result<Exchanged> exchange(const mail::Frame& frame, std::chrono::milliseconds timeout);
    /// Closes the lane and waits for its stages, at most `timeout`; then they are killed.
    void close(std::chrono::milliseconds timeout);

private:
    LaneExchange(Lane lane, const Limits& limits) : lane_(std::move(lane)), frames_(limits) {}
    Result<std::optional<Exchanged>> take(std::string_view octets);
    std::unexpected<Error> ended();

    Lane lane_;
    mail::FrameReader frames_;
    LaneBook book_;
    std::string first_; // the first octets, until they show whether there is a sink
    enum class Kind : char { unknown, filter, sink } kind_ = Kind::unknown;
};

} // namespace mgw::smtp
