#pragma once

#include "lib/smtp/spool.hpp"

#include <cstddef>
#include <string_view>

namespace mgw::smtp
{

/// What was found wrong with the octets of a message while they came in.
enum class DataFault : char { none, bare_cr_or_lf, too_large, no_memory };

/// Reads the octets after DATA (RFC 5321 sections 4.1.1.4 and 4.5.2): only CRLF "." CRLF ends them, a dot that begins a
/// line is removed there and nowhere else. A CR or LF that stands alone is a fault; the data is still read to its true
/// end, so that what follows cannot pass for commands.
class DataReader {
public:
    DataReader() = default;
    DataReader(Spool spool, std::size_t limit_octets) : spool_(std::move(spool)), limit_octets_(limit_octets) {}

    /// Takes octets from the front of `octets`; true once the end of data was taken.
    bool feed(std::string_view& octets);
    DataFault fault() const { return fault_; }
    /// Octets that came in, stored or not.
    std::size_t seen_octets() const { return seen_; }
    Spool& spool() { return spool_; }

private:
    enum class State : char { line_start, dot, dot_cr, text, cr };
    void take_text(std::string_view& octets);
    void emit(std::string_view octets);
    void fail(DataFault fault);

    Spool spool_;
    std::size_t limit_octets_ = 0;
    std::size_t seen_ = 0;
    State state_ = State::line_start;
    DataFault fault_ = DataFault::none;
};

} // namespace mgw::smtp
