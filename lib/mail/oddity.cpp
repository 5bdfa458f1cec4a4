#include "lib/mail/oddity.hpp"

#include <array>
#include <utility>

namespace mgw::mail
{

std::string oddity_names(Oddity set)
{
    static constexpr auto names = std::to_array<std::pair<Oddity, const char*>>({
        {Oddity::no_header, "no-header"},
        {Oddity::header_ends_early, "header-ends-early"},
        {Oddity::bare_cr, "bare-cr"},
        {Oddity::bare_lf, "bare-lf"},
        {Oddity::nul, "nul"},
        {Oddity::eight_bit_header, "8bit-header"},
        {Oddity::header_too_large, "header-too-large"},
        {Oddity::no_boundary, "no-boundary"},
        {Oddity::unclosed_multipart, "unclosed-multipart"},
        {Oddity::too_deep, "too-deep"},
        {Oddity::too_many_parts, "too-many-parts"},
        {Oddity::unknown_encoding, "unknown-encoding"},
        {Oddity::duplicate_content_type, "duplicate-content-type"},
        {Oddity::duplicate_encoding, "duplicate-encoding"},
        {Oddity::encoded_multipart, "encoded-multipart"},
        {Oddity::from_line, "from-line"},
        {Oddity::line_too_long, "line-too-long"},
        {Oddity::blank_before_colon, "blank-before-colon"},
        {Oddity::prefix_boundary, "prefix-boundary"},
        {Oddity::mid_line_delimiter, "mid-line-delimiter"},
        {Oddity::duplicate_boundary, "duplicate-boundary"},
        {Oddity::stray_delimiter, "stray-delimiter"},
        {Oddity::empty_multipart, "empty-multipart"},
        {Oddity::conflicting_names, "conflicting-names"},
        {Oddity::long_boundary, "long-boundary"},
        {Oddity::odd_boundary, "odd-boundary"},
        {Oddity::odd_content_type, "odd-content-type"},
        {Oddity::odd_encoding, "odd-encoding"},
        {Oddity::embedded_encoding, "embedded-encoding"},
        {Oddity::base64_junk, "base64-junk"},
        {Oddity::base64_after_padding, "base64-after-padding"},
        {Oddity::odd_quoted_printable, "odd-quoted-printable"},
        {Oddity::control_in_header, "control-in-header"},
        {Oddity::hidden_field, "hidden-field"},
        {Oddity::blank_line_in_header, "blank-line-in-header"},
        {Oddity::late_header, "late-header"},
        {Oddity::byte_order_mark, "byte-order-mark"},
        {Oddity::odd_parameter, "odd-parameter"},
        {Oddity::duplicate_disposition, "duplicate-disposition"},
        {Oddity::empty_encoding, "empty-encoding"},
    });
    std::string out;
    for (const auto& [flag, name] : names)
        if (has(set, flag))
            out.append(out.empty() ? "" : ",").append(name);
    return out;
}

} // namespace mgw::mail
