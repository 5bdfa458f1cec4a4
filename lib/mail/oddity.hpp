#pragma once

#include <cstdint>
#include <string>

namespace mgw::mail
{

/// What is odd about a message (RFC 7103). Odd mail is normal input: flagged, never refused by the index.
enum class Oddity : std::uint64_t {
    none = 0,
    no_header = 1ULL << 0,         ///< the first line is not a field
    header_ends_early = 1ULL << 1, ///< a line that is no field ended the header without an empty line
    bare_cr = 1ULL << 2,
    bare_lf = 1ULL << 3, ///< in a message that otherwise uses CRLF
    nul = 1ULL << 4,
    eight_bit_header = 1ULL << 5,
    header_too_large = 1ULL << 6, ///< over Limits::header_octets, fields or field_octets: the rest counts as body
    no_boundary = 1ULL << 7,
    unclosed_multipart = 1ULL << 8,
    too_deep = 1ULL << 9, ///< over Limits::nesting: the part is opaque
    too_many_parts = 1ULL << 10,
    unknown_encoding = 1ULL << 11,
    duplicate_content_type = 1ULL << 12,
    duplicate_encoding = 1ULL << 13,
    encoded_multipart = 1ULL << 14, ///< a multipart or message/* with base64 or quoted-printable
    from_line = 1ULL << 15,
    line_too_long = 1ULL << 16, ///< over 998 octets (RFC 5322 section 2.1.1)
    blank_before_colon = 1ULL << 17,
    prefix_boundary = 1ULL << 18,      ///< a delimiter line that goes on after an open boundary, or breaks off in it
    mid_line_delimiter = 1ULL << 19,   ///< a boundary of the message, with its dashes, not at the start of a line
    duplicate_boundary = 1ULL << 20,   ///< more than one boundary parameter
    stray_delimiter = 1ULL << 21,      ///< a line like a delimiter, MIME fields after it, that belongs to no multipart
    empty_multipart = 1ULL << 22,      ///< no part in it
    conflicting_names = 1ULL << 23,    ///< one part, several file names
    long_boundary = 1ULL << 24,        ///< over 70 octets (RFC 2046 section 5.1.1)
    odd_boundary = 1ULL << 25,         ///< characters that a boundary cannot have, or none at all
    odd_content_type = 1ULL << 26,     ///< a Content-Type or Content-Disposition against RFC 2045 section 5.1
    odd_encoding = 1ULL << 27,         ///< a known encoding in other words: "base64;", "\"base64\"", "base64 (x)"
    embedded_encoding = 1ULL << 28,    ///< base64, uuencode, yEnc or BinHex in what is said not to be encoded
    base64_junk = 1ULL << 29,          ///< octets outside the alphabet, or a last group that is not whole
    base64_after_padding = 1ULL << 30, ///< data after "="
    odd_quoted_printable = 1ULL << 31, ///< "=" before anything but two upper case hexadecimal digits or a line end
    control_in_header = 1ULL << 32,    ///< CR or another control character inside a header
    hidden_field = 1ULL << 33,         ///< a MIME field that stands in the continuation or the value of another one
    blank_line_in_header = 1ULL << 34, ///< a line of blanks alone
    late_header = 1ULL << 35,          ///< MIME fields after the empty line that ended a header without any
    byte_order_mark = 1ULL << 36,      ///< at the start of a header
    odd_parameter = 1ULL << 37,        ///< RFC 2231 pieces that are missing, doubled or not in order
    duplicate_disposition = 1ULL << 38,
    empty_encoding = 1ULL << 39, ///< a Content-Transfer-Encoding without a value
};
constexpr Oddity operator|(Oddity a, Oddity b)
{
    return static_cast<Oddity>(static_cast<std::uint64_t>(a) | static_cast<std::uint64_t>(b));
}
constexpr Oddity operator&(Oddity a, Oddity b)
{
    return static_cast<Oddity>(static_cast<std::uint64_t>(a) & static_cast<std::uint64_t>(b));
}
constexpr Oddity& operator|=(Oddity& a, Oddity b)
{
    return a = a | b;
}
constexpr bool has(Oddity set, Oddity one)
{
    return (set & one) != Oddity::none;
}

/// Those of the oddities for which a message can be read in two ways. Size, depth, and what ordinary mail has do not
/// make programs differ about what a message holds.
constexpr Oddity ambiguities(Oddity set)
{
    constexpr Oddity harmless = Oddity::eight_bit_header | Oddity::too_deep | Oddity::too_many_parts |
                                Oddity::from_line | Oddity::line_too_long;
    return static_cast<Oddity>(static_cast<std::uint64_t>(set) & ~static_cast<std::uint64_t>(harmless));
}
constexpr bool is_ambiguous(Oddity set)
{
    return ambiguities(set) != Oddity::none;
}

/// Names as used in Mgw-Result and records: "bare-cr,nul".
std::string oddity_names(Oddity set);

} // namespace mgw::mail
