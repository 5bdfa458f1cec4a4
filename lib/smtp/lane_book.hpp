#pragma once

#include "lib/core/result.hpp"
#include "lib/mail/frame.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// What a lane's sink said of one message: one answer for each recipient, in order.
struct LaneOutcome {
    std::string id;
    std::vector<mail::Answer> answers;
};

/// The messages in flight on one lane, and what has been answered of them so far.
class LaneBook {
public:
    void expect(const std::string& id, std::size_t recipients) { waiting_[id].resize(recipients); }
    bool forget(const std::string& id) { return waiting_.erase(id) > 0; }
    std::size_t size() const { return waiting_.size(); }
    std::vector<std::string> ids() const;

    /// Octets of the sink's standard output, cut anywhere; gives the messages that are answered in full ("done"). A
    /// recipient that "done" found without an answer gets 451 4.3.0. Answers to messages that nobody waits for are
    /// passed over: they come after the deadline. Status::temp_fail for a line that is no answer: the lane is broken.
    Result<std::vector<LaneOutcome>> feed(std::string_view octets);

private:
    Result<void> take(const mail::Answer& answer, std::vector<LaneOutcome>& into);

    std::map<std::string, std::vector<mail::Answer>, std::less<>> waiting_;
    std::string line_;
};

/// The answer where a lane gave none.
mail::Answer no_answer(std::string text);

} // namespace mgw::smtp
