#pragma once

#include "lib/core/limits.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/block.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// One message of a frame with its envelope.
struct Member {
    Block block;
    std::string message;
};

/// One transaction: the message that came in, first, and what stages made of it (copies, notices).
struct Frame {
    std::string id;              ///< the first member's Mgw-Id
    std::vector<Member> members; ///< a frame without any asks whether the stages are at work
};

/// The octets of a frame: "MGW1 ID N\n", N times "BLOCK MESSAGE\n" block message, "END ID\n".
std::string frame_octets(const Frame& frame);

/// Cuts a stream of frames. Feed octets as they come, take frames as they are complete.
class FrameReader {
public:
    explicit FrameReader(const Limits& limits = {}) : limits_(limits) {}
    void feed(std::string_view octets);
    /// The next whole frame, or nothing until more octets come. Status::temp_fail for a malformed header or a missing
    /// END: there is no resynchronising, nothing of that frame may be used and nothing after it is read.
    Result<std::optional<Frame>> next();
    /// Octets that are buffered and not yet taken.
    std::size_t buffered() const { return buffer_.size() - taken_; }
    /// True when the stream stops here inside a frame: end of file now is an error.
    bool inside() const { return buffered() > 0; }

private:
    Limits limits_;
    std::string buffer_;
    std::size_t taken_ = 0;
    std::size_t wanted_ = 0; ///< octets that must be there before another look is worth it
    std::optional<Error> broken_;
};

/// One line of a sink: "<Mgw-Id> <n> <code> <enhanced code> <text>", or "<Mgw-Id> done".
struct Answer {
    std::string id;
    std::string number;
    int code = 0;
    std::string enhanced;
    std::string text;
    bool done = false;
};
inline constexpr std::string_view sink_ready = "MGW1 sink";
std::string answer_line(const Answer& answer);
std::optional<Answer> parse_answer(std::string_view line);

/// Folds results of final recipients to the original ones (those without a dot, in the block's order): any 4xx is 4xx,
/// else any 2xx is 2xx, else 5xx. `results` holds one answer for each final recipient.
std::vector<Answer> fold_answers(const Block& block, const std::vector<Answer>& results);

/// The one reply code of an SMTP transaction (not LMTP) over its recipients: any 4xx makes all of it 4xx; accepted and
/// refused mixed is 2xx; else what all agree on.
Answer one_reply(const std::vector<Answer>& answers);

} // namespace mgw::mail
