#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// The header of a part as loosely as any program may read it.
struct LenientHeader {
    std::string_view text;                ///< everything that may be header
    std::vector<std::size_t> body_begins; ///< where a body may begin, the strict place first; never empty
};

/// Past the LF, or the CR without LF, that ends the line at `at`.
std::size_t next_loose_line(std::string_view octets, std::size_t at);

/// `octets` begin where a part begins. Blank lines, lines that are no field, bare CR and a second header after an empty
/// line each give another place where the body may begin; at most `limit_octets` are looked at.
LenientHeader read_leniently(std::string_view octets, std::size_t limit_octets);

/// Whether a line is, apart from what stands before its name, a field that a mail program knows or that begins "X-".
bool looks_like_field(std::string_view line);

/// Every value that the parameter `key` may have in a header: of any field, with and without comments, quotes,
/// backslashes and encoded words, RFC 2231 pieces joined by number and as they stand. `key` also counts at the end of a
/// longer name: "name" finds "filename". UTF-8 where a charset is given; at most `limit_values`.
std::vector<std::string> lenient_values(std::string_view header, std::string_view key, std::size_t limit_values);

/// What a Content-Transfer-Encoding anywhere in a header says, in lower case, encoded words decoded; all of them in
/// one.
std::string lenient_encodings(std::string_view header);
/// What the first Content-Type anywhere in a header says, in lower case, without parameters.
std::string lenient_type(std::string_view header);

} // namespace mgw::mail
