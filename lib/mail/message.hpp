#pragma once

#include "lib/core/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// One header field (RFC 5322 section 2.2): offsets into the message, so that edits are splices on the original octets.
struct Field {
    std::size_t begin = 0;       ///< first octet of the name
    std::size_t name_end = 0;    ///< past the last octet of the name, before blanks and the colon
    std::size_t value_begin = 0; ///< past the colon
    std::size_t end = 0;         ///< past the field's last line end
};

/// What is odd about a message (RFC 7103). Odd mail is normal input: flagged, never refused by the index.
enum class Oddity : std::uint32_t {
    none = 0,
    no_header = 1U << 0,         ///< the first line is not a field
    header_ends_early = 1U << 1, ///< a line that is no field ended the header without an empty line
    bare_cr = 1U << 2,
    bare_lf = 1U << 3, ///< in a message that otherwise uses CRLF
    nul = 1U << 4,
    eight_bit_header = 1U << 5,
    header_too_large = 1U << 6, ///< over Limits::header_octets, fields or field_octets: the rest counts as body
    no_boundary = 1U << 7,
    unclosed_multipart = 1U << 8,
    too_deep = 1U << 9, ///< over Limits::nesting: the part is opaque
    too_many_parts = 1U << 10,
    unknown_encoding = 1U << 11,
    duplicate_content_type = 1U << 12,
    duplicate_encoding = 1U << 13,
    encoded_multipart = 1U << 14, ///< a multipart or message/* with base64 or quoted-printable
    from_line = 1U << 15,
    line_too_long = 1U << 16, ///< over 998 octets (RFC 5322 section 2.1.1)
    blank_before_colon = 1U << 17,
};
constexpr Oddity operator|(Oddity a, Oddity b)
{
    return static_cast<Oddity>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr Oddity& operator|=(Oddity& a, Oddity b)
{
    return a = a | b;
}
constexpr bool has(Oddity set, Oddity one)
{
    return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(one)) != 0;
}
/// Names as used in Mgw-Result and records: "bare-cr,nul".
std::string oddity_names(Oddity set);

/// A message: the original octets and an index of its header. The octets are borrowed and must outlive the index.
class Message {
public:
    explicit Message(std::string_view octets, const Limits& limits = {});

    std::string_view octets() const { return octets_; }
    /// The header section without the empty line that ends it.
    std::string_view header() const { return octets_.substr(0, header_end_); }
    /// What follows the empty line; empty if there is none.
    std::string_view body() const { return octets_.substr(body_begin_); }
    std::size_t header_end() const { return header_end_; }
    std::size_t body_begin() const { return body_begin_; }
    /// "\r\n" or "\n": what the first line ends in; "\n" for a message without line ends.
    std::string_view line_end() const { return line_end_; }
    Oddity oddities() const { return oddities_; }
    /// Those of the header and what is odd about lines and octets anywhere: NUL, bare CR, bare LF.
    Oddity all_oddities() const;

    const std::vector<Field>& fields() const { return fields_; }
    std::string_view name(const Field& f) const { return octets_.substr(f.begin, f.name_end - f.begin); }
    /// The value as it stands, folded, without its last line end.
    std::string_view raw_value(const Field& f) const;
    /// The value unfolded (RFC 5322 section 2.2.3) and trimmed.
    std::string value(const Field& f) const;
    /// The whole field with its line ends.
    std::string_view raw(const Field& f) const { return octets_.substr(f.begin, f.end - f.begin); }

    /// The first field of that name (without regard to case), or nullptr.
    const Field* find(std::string_view name) const;
    std::vector<const Field*> find_all(std::string_view name) const;
    /// Value of the first field of that name, unfolded; nothing if there is none.
    std::optional<std::string> value_of(std::string_view name) const;

private:
    void index_header(const Limits& limits);

    std::string_view octets_;
    std::string_view line_end_ = "\n";
    std::size_t header_end_ = 0;
    std::size_t body_begin_ = 0;
    Oddity oddities_ = Oddity::none;
    std::vector<Field> fields_;
};

/// Unfolds a raw value: every line end followed by a blank goes away, the rest stays; trimmed at both ends.
std::string unfold(std::string_view raw_value);

/// Octets of a leading "From " line (mbox separator, put first by procmail or local(8)), with its line end; 0 if none.
std::size_t from_line_octets(std::string_view octets);

} // namespace mgw::mail
