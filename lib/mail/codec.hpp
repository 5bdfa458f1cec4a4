#pragma once

#include "lib/mail/charset.hpp"

#include <cstddef>
#include <string>
#include <string_view>

/// Codecs on whole texts. In pieces: decoder.hpp, uuencode.hpp, yenc.hpp.
namespace mgw::mail
{

/// RFC 2045 section 6.8. Octets outside the alphabet are skipped; `damaged` tells of them and of missing padding. It is
/// only ever set to true.
std::string base64_decode(std::string_view text, std::size_t limit_octets = static_cast<std::size_t>(-1),
                          bool* damaged = nullptr);
/// Lines of `line_chars` characters ended by `line_end`; one line without a line end if `line_chars` is 0.
std::string base64_encode(std::string_view octets, std::size_t line_chars = 76, std::string_view line_end = "\r\n");
/// RFC 2045 section 6.7; line ends stay as they are.
std::string qp_decode(std::string_view text, std::size_t limit_octets = static_cast<std::size_t>(-1),
                      bool* damaged = nullptr);
/// The first file of a uuencoded text; `damaged` when there is none or its end is missing. All of them: uuencode.hpp.
std::string uu_decode(std::string_view text, std::size_t limit_octets = static_cast<std::size_t>(-1),
                      bool* damaged = nullptr);

/// RFC 2047: an unstructured value with encoded words as UTF-8, folded or not. Adjacent words of one charset are joined
/// before conversion. At most `limit_words` are decoded, the rest stays as it is.
std::string decode_words(std::string_view value, std::size_t limit_words = 256);
/// RFC 2047 out: ASCII stays as it is, anything else becomes encoded words that fold at 75 characters.
std::string encode_words(std::string_view utf8);

} // namespace mgw::mail
