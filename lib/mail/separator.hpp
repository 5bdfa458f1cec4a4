#pragma once

#include <cstddef>
#include <string_view>

namespace mgw::mail
{

/// Octets of the longest line that is taken for a separator, with its line end.
inline constexpr std::size_t longest_separator = 1000;

/// What a line that begins with "From " is to an mbox (RFC 4155 names no more than a default; these are the forms that
/// are found in archives).
enum class FromLine : char {
    text,  ///< no separator: "From here on …", "From: a@b", "From : a@b", too long
    bare,  ///< "From " or "From - " alone, as Netscape and its heirs wrote: it separates where a header field follows
    dated, ///< a sender and a date: month, day of the month, time and year side by side
};

/// Judges a line, with or without its line end. Senders with blanks ("a at b", quoted words), weekdays, zones as names
/// or numbers before or behind the year, ISO dates, and "remote from HOST" are known.
FromLine from_line_kind(std::string_view line);

/// Whether octets begin like a header field: a name, blanks, a colon (RFC 5322 sections 2.2 and 4.5).
enum class FieldStart : char { no, yes, more };
/// `more` while it depends on octets that are not there.
FieldStart field_start(std::string_view octets);

} // namespace mgw::mail
