#pragma once

#include "lib/core/limits.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/frame.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// What became of one message in a lane.
struct LaneOutcome {
    std::string id;
    std::vector<mail::Answer> answers; ///< of the sink, one for each recipient, in order; or why there is no frame
    std::optional<mail::Frame> frame;  ///< what the filters made of it, where there is no sink
};

/// The messages in flight on one lane, and what has been answered of them so far.
class LaneBook {
public:
    /// Of a lane that ends in a sink.
    LaneBook() = default;
    /// Of a lane that gives frames.
    explicit LaneBook(const Limits& limits) : frames_(limits) {}

    void expect(const std::string& id, std::size_t recipients) { waiting_[id].resize(recipients); }
    bool forget(const std::string& id) { return waiting_.erase(id) > 0; }
    std::size_t size() const { return waiting_.size(); }
    std::vector<std::string> ids() const;

    /// Octets of the last stage's standard output, cut anywhere; gives the messages that are done: answered in full
    /// ("done"), or back as a frame. A
    /// recipient that "done" found without an answer gets 451 4.3.0. Answers to messages that nobody waits for are
    /// passed over: they come after the deadline. Status::temp_fail for a line that is no answer, or a malformed frame:
    /// the lane is broken.
    Result<std::vector<LaneOutcome>> feed(std::string_view octets);

private:
    Result<std::vector<LaneOutcome>> feed_frames(std::string_view octets);
    Result<void> take(const mail::Answer& answer, std::vector<LaneOutcome>& into);

    std::map<std::string, std::vector<mail::Answer>, std::less<>> waiting_;
    std::string line_;
    std::optional<mail::FrameReader> frames_;
};

/// The answer where a lane gave none.
mail::Answer no_answer(std::string text);

} // namespace mgw::smtp
