#pragma once

#include "lib/core/result.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// One reply of an SMTP or LMTP server (RFC 5321 section 4.2).
struct Reply {
    int code = 0;         ///< 200..599
    std::string enhanced; ///< RFC 2034 status of the first line when its class fits the code, else empty
    std::vector<std::string>
        lines; ///< text of each line, without code, enhanced status of the first line, and line end

    bool positive() const { return code / 100 == 2; }
    bool temporary() const { return code / 100 == 4; }
    bool permanent() const { return code / 100 == 5; }
    /// All lines joined by blanks: printable ASCII, at most `limit_octets`.
    std::string text(std::size_t limit_octets = 300) const;
};

/// Cuts a server's octets into replies. The server is hostile: lines, octets and the line count of a reply are bounded,
/// and the parser never holds more than one reply and what one feed() brought.
class ReplyParser {
public:
    static constexpr std::size_t max_line_octets = 4096; ///< RFC 5321 section 4.5.3.1.5 allows 512; servers send more
    static constexpr std::size_t max_lines = 100;

    void feed(std::string_view octets) { buffer_.append(octets); }
    /// The next whole reply; nothing until more octets come. Status::temp_fail when this is not SMTP or a bound is
    /// passed: nothing after it is read.
    Result<std::optional<Reply>> next();
    /// Octets that came and belong to no reply yet: after the reply to STARTTLS there must be none (RFC 3207
    /// section 4.2).
    bool has_leftover() const { return taken_ < buffer_.size() || !partial_.lines.empty(); }

private:
    Result<bool> add_line(std::string_view line);

    std::string buffer_;
    std::size_t taken_ = 0;
    std::size_t searched_ = 0;
    Reply partial_;
    std::optional<Error> broken_;
};

} // namespace mgw::smtp
