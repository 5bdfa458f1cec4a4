#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::mail
{

/// One message of an mbox as it stands in the file: prefix + text + trailer are its octets.
struct MboxEntry {
    std::string prefix;  ///< the "From " line with its line end
    std::string text;    ///< header and body, quoted as they stand
    std::string trailer; ///< the empty line after it, if there is one
};

/// Cuts an mbox of any dialect (mboxo, mboxrd, mboxcl, mboxcl2) into messages. Content-Length is checked, not trusted:
/// it counts only where it leads to another separator or to the end.
class MboxReader {
public:
    void feed(std::string_view octets);
    void finish() { finished_ = true; }
    /// The next whole message; nothing until more octets come, or at the end.
    std::optional<MboxEntry> next();
    std::size_t buffered() const { return buffer_.size() - taken_; }

private:
    std::string buffer_;
    std::size_t taken_ = 0;
    std::size_t scanned_ = 0; ///< up to here there is no separator
    bool finished_ = false;
};

/// Whether a line (with or without its line end) separates messages: "From ", an address, a date with a time.
bool is_separator(std::string_view line);

/// mboxrd: one '>' more before each line of '>'s and "From ", or one less.
std::string mboxrd_quote(std::string_view text);
std::string mboxrd_unquote(std::string_view text);

} // namespace mgw::mail
