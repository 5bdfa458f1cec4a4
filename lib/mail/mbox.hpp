#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mgw::mail
{

/// One message of an mbox as it stands in the file: prefix + text + trailer are its octets. The views are good until
/// the reader is fed again.
struct MboxEntry {
    std::string_view prefix;  ///< the "From " line with its line end; before the first one blank lines of the file
    std::string_view text;    ///< header and body, quoted as they stand
    std::string_view trailer; ///< the empty line after it, if there is one
    bool quoted = true; ///< false where Content-Length proved lines "From " to be text (mboxcl2): nothing to unquote
};

/// Cuts an mbox of any dialect (mboxo, mboxrd, mboxcl, mboxcl2) into messages, with LF or CRLF:
/// - a dated line (from_line_kind) separates behind an empty line, and without one where a header field follows;
/// - a bare line separates where a header field follows;
/// - Content-Length is checked, not trusted: it carries over what else would separate only where it leads to a
/// separator
///   or to the end, where it was right for every message of the file so far, and where the next message has one. So a
///   sender cannot make a program see one message where others see two, but in a file that is his alone.
class MboxReader {
public:
    /// `lengths_hold` is false where a message before what is read had no Content-Length, or a wrong one.
    explicit MboxReader(bool lengths_hold = true) : lengths_hold_(lengths_hold) {}

    /// Room for at least `octets` more; what was read into its front is told by fed(). Ends the life of views.
    std::span<char> room(std::size_t octets);
    void fed(std::size_t octets) { used_ += octets; }
    void feed(std::string_view octets);
    void finish() { finished_ = true; }
    /// The next whole message; nothing until more octets come, or at the end. The same however the octets came in.
    std::optional<MboxEntry> next();

    std::size_t buffered() const { return used_ - taken_; }
    /// Octets of the messages taken so far.
    std::uint64_t consumed() const { return consumed_; }
    /// Whether every message so far had a Content-Length that was right.
    bool lengths_hold() const { return lengths_hold_; }

private:
    enum class Found : char { no, yes, wait };
    std::string_view rest() const { return std::string_view(buffer_).substr(taken_, used_ - taken_); }
    Found find_prefix(std::string_view rest);
    Found separates(std::string_view rest, std::size_t line_begin) const;
    Found end_by_separator(std::string_view rest, std::size_t& end);
    Found end_by_length(std::string_view rest, std::size_t& end) const;
    Found has_length(std::string_view rest, std::size_t at) const;

    std::string buffer_; ///< as large as there is room
    std::size_t used_ = 0;
    std::size_t taken_ = 0;
    std::size_t scanned_ = 0; ///< behind taken_: up to here there is no separator
    std::optional<std::size_t> prefix_;
    std::uint64_t consumed_ = 0;
    bool lengths_hold_;
    bool at_start_ = true;
    bool finished_ = false;
};

/// mboxrd: one '>' more before each line of '>'s and "From ", or one less. `text` begins at the begin of a line.
/// `but_fields` leaves the field From in its obsolete spelling, "From :", alone in the header.
std::string mboxrd_quote(std::string_view text, bool but_fields = false);
std::string mboxrd_unquote(std::string_view text);

/// Whether a field "From :" stands unquoted in the header of a message of an mbox: quoting would take its author away.
bool has_from_field(std::string_view text);

/// Offset of the first "\nFrom " at or behind `at`, npos if there is none.
std::size_t find_from_line(std::string_view octets, std::size_t at = 0);

} // namespace mgw::mail
