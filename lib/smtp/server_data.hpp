#pragma once

#include "lib/smtp/server_command.hpp"
#include "lib/smtp/spool.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// What was found wrong with the octets of a message while they came in.
enum class DataFault : char { none, bare_cr_or_lf, nul, long_line, too_large, no_memory };

/// What a message may be.
struct DataRules {
    std::size_t message_octets = 50U << 20;
    std::size_t line_octets = 1U << 20; ///< of one line of text, without its CRLF
    bool normalize = false;             ///< a CR or LF that stands alone becomes CRLF instead of being a fault
};

/// Reads the octets of a message. After DATA (RFC 5321 sections 4.1.1.4 and 4.5.2) only CRLF "." CRLF ends them, and a
/// dot that begins a line is removed there and nowhere else; in chunks (RFC 3030) no dot means anything. A CR or LF
/// that stands alone, a NUL and a line without end are faults; the data is still read to its true end, so that what
/// follows cannot pass for commands. With DataRules::normalize line ends are mended before dots are looked at, but what
/// was mended never ends a message. What has no fault is stored as it came.
class DataReader {
public:
    DataReader() = default;
    DataReader(Spool spool, const DataRules& rules) : spool_(std::move(spool)), rules_(rules) {}

    /// Takes octets from the front of `octets`; true once the end of data was taken.
    bool feed(std::string_view& octets);
    /// Takes octets of a chunk.
    void feed_chunk(std::string_view octets);
    /// After the last chunk. A last line without CRLF stays as it is.
    void end_chunks();

    /// The first fault in the order of octets; the same wherever reads end.
    DataFault fault() const { return fault_; }
    /// Octets that came in, stored or not.
    std::size_t seen_octets() const { return seen_; }
    Spool& spool() { return spool_; }

private:
    enum class State : char { line_start, dot, dot_cr, text, cr };
    bool take(std::string_view& octets);
    void take_text(std::string_view& octets);
    void check_text(std::string_view text, std::size_t before);
    void end_line(bool properly);
    std::size_t line_stop(std::string_view octets, std::size_t from) const;
    void emit(std::string_view octets);
    void flush();
    void store(std::string_view octets);
    void fail(DataFault fault, std::size_t before = 0);

    Spool spool_;
    std::string mended_; // not yet in the spool
    DataRules rules_;
    std::size_t seen_ = 0;
    std::size_t line_ = 0; // octets of the line so far
    State state_ = State::line_start;
    bool chunked_ = false;
    bool properly_ = true; // the line before this one ended with CRLF as it came
    DataFault fault_ = DataFault::none;
};

/// The reply to a message with that fault. It names the rule.
ServerReply data_refusal(DataFault fault, const DataRules& rules);

} // namespace mgw::smtp
