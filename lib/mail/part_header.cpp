#include "lib/mail/part_header.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace mgw::mail
{

namespace
{

/// 8-bit and control characters of a header; CR only where no LF follows.
Oddity odd_characters(std::string_view header)
{
    std::uint8_t eight = 0;
    std::uint8_t control = 0;
    const auto look = [&](char before, char c) {
        const auto u = static_cast<std::uint8_t>(c);
        eight |= u;
        control |= static_cast<std::uint8_t>((u < 32) & (u != '\t') & (u != '\n') & (u != '\r')) |
                   static_cast<std::uint8_t>((before == '\r') & (c != '\n'));
    };
    constexpr std::size_t block = 64; // of a fixed size: for vector instructions
    const char* const p = header.data();
    std::size_t at = 1;
    if (!header.empty())
        look('\0', p[0]);
    for (; at + block <= header.size(); at += block)
        for (std::size_t i = 0; i < block; ++i)
            look(p[at + i - 1], p[at + i]);
    for (; at < header.size(); ++at)
        look(p[at - 1], p[at]);
    return (eight > 127 ? Oddity::eight_bit_header : Oddity::none) |
           (control != 0 ? Oddity::control_in_header : Oddity::none);
}

/// RFC 2045 section 5.1.
constexpr auto token_characters = [] {
    std::array<bool, 256> out{};
    for (std::size_t c = 33; c < 127; ++c)
        out[c] = !std::string_view("()<>@,;:\\\"/[]?=").contains(static_cast<char>(c));
    return out;
}();

bool is_token_char(char c)
{
    return token_characters[static_cast<unsigned char>(c)];
}

bool has_percent(std::string_view value)
{
    for (auto at = value.find('%'); at != std::string_view::npos; at = value.find('%', at + 1))
        if (hex_octet(value.substr(at + 1)))
            return true;
    return false;
}

bool is_boundary_char(char c)
{
    return is_digit(c) || is_letter(c) || std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

/// Reads a value by RFC 2045 section 5.1 and RFC 2231 to the letter, and says where it goes astray.
class Inspection {
public:
    Inspection(std::string_view text, bool has_subtype, Oddity wrong) : text_(trim(text)), wrong_(wrong)
    {
        if (!token() || (has_subtype && (!take('/') || !token()))) {
            found_ |= wrong_;
            return;
        }
        while (!done()) {
            blanks();
            if (!take(';')) {
                found_ |= wrong_;
                return;
            }
            blanks();
            if (done()) // a last semicolon is common and harmless
                return;
            if (!parameter()) {
                found_ |= wrong_;
                return;
            }
            if (++parameters_ == most_parameters) { // those that the strict reading looks at
                found_ |= Oddity::odd_parameter;
                return;
            }
        }
        if (boundaries_ + (extended_boundary_ ? 1 : 0) > 1)
            found_ |= Oddity::duplicate_boundary;
    }
    Oddity found() const { return found_; }

private:
    bool done() const { return at_ >= text_.size(); }
    bool take(char c)
    {
        if (done() || text_[at_] != c)
            return false;
        ++at_;
        return true;
    }
    void blanks()
    {
        while (!done() && is_blank(text_[at_]))
            ++at_;
    }
    bool token()
    {
        const std::size_t begin = at_;
        while (!done() && is_token_char(text_[at_]))
            ++at_;
        return at_ > begin;
    }
    bool quoted()
    {
        while (!done() && text_[at_] != '"') {
            if (text_[at_] == '\\')
                ++at_;
            ++at_;
        }
        return take('"');
    }
    bool parameter()
    {
        const std::size_t begin = at_;
        if (!token())
            return false;
        const auto name = text_.substr(begin, at_ - begin);
        if (!take('='))
            return false;
        const std::size_t value = at_;
        const bool is_good = take('"') ? quoted() : token();
        note(name, text_.substr(value, std::min(at_, text_.size()) - value));
        return is_good;
    }
    void note(std::string_view name, std::string_view value)
    {
        const auto star = name.find('*');
        const bool is_boundary = iequals(name.substr(0, star), "boundary");
        if (is_boundary)
            note_boundary(star != std::string_view::npos, value);
        else if (value.starts_with('\'') && star == std::string_view::npos)
            found_ |= Oddity::odd_parameter; // quoted, some programs think
        else if (name.contains('\'') || (iends_with(name, "name") && has_percent(value)))
            found_ |= Oddity::odd_parameter;
        else if (istarts_with(value, "utf-16'") || istarts_with(value, "utf-32'") || istarts_with(value, "utf-7'"))
            found_ |= Oddity::odd_parameter; // of either order, or no text at all for some
        if (star == std::string_view::npos)
            return;
        if (name.ends_with('*') && !is_extended_value(name, value))
            found_ |= Oddity::odd_parameter;
        // name*, or name*0, name*1 … of one name in their order
        auto number = name.substr(star + 1);
        if (number.ends_with('*'))
            number.remove_suffix(1);
        const bool same = iequals(name.substr(0, star), extended_);
        const std::size_t expected = same ? next_ : 0;
        const bool is_good = number.empty() ? !same : parse_number(number) == expected;
        if (!is_good)
            found_ |= Oddity::odd_parameter;
        extended_ = name.substr(0, star);
        next_ = expected + 1;
    }
    /// charset'language'text; pieces after the first one have no charset.
    static bool is_extended_value(std::string_view name, std::string_view value)
    {
        if (!name.ends_with("*0*") && name.find('*') != name.size() - 1)
            return true;
        const auto a = value.find('\'');
        const auto b = a == std::string_view::npos ? a : value.find('\'', a + 1);
        return b != std::string_view::npos && b + 1 < value.size();
    }
    void note_boundary(bool is_extended, std::string_view value)
    {
        if (is_extended) {
            extended_boundary_ = true;
            found_ |= Oddity::odd_boundary; // many programs know none in that form
            return;
        }
        ++boundaries_;
        if (value.starts_with('"') && value.size() >= 2)
            value = value.substr(1, value.size() - 2);
        if (value.empty() || value.ends_with(' ') || value.starts_with("=?") || value.starts_with('\'') ||
            !std::ranges::all_of(value, is_boundary_char))
            found_ |= Oddity::odd_boundary;
        if (value.size() > 70)
            found_ |= Oddity::long_boundary;
    }

    std::string_view text_;
    Oddity wrong_;
    std::size_t at_ = 0;
    Oddity found_ = Oddity::none;
    std::string_view extended_;
    std::size_t next_ = 0;
    std::size_t parameters_ = 0;
    std::size_t boundaries_ = 0;
    bool extended_boundary_ = false;
};

void add_names(const ContentType& value, std::string_view wanted, Part& part)
{
    for (const auto& [name, text] : value.parameters)
        if (name == wanted && !text.empty() && std::ranges::find(part.file_names, text) == part.file_names.end())
            part.file_names.push_back(text);
}

void read_encoding(const std::string& value, Part& part)
{
    part.encoding_name = parse_content_type(value).value;
    part.encoding = parse_encoding(part.encoding_name);
    if (value.empty())
        part.oddities |= Oddity::empty_encoding;
    else if (part.encoding == Encoding::unknown)
        part.oddities |= Oddity::unknown_encoding;
    else if (!iequals(value, part.encoding_name))
        part.oddities |= Oddity::odd_encoding;
}

} // namespace

Encoding parse_encoding(std::string_view name)
{
    if (name.empty() || name == "7bit" || name == "8bit" || name == "binary")
        return Encoding::identity;
    if (name == "base64")
        return Encoding::base64;
    if (name == "quoted-printable")
        return Encoding::quoted_printable;
    if (name == "x-uuencode" || name == "uuencode" || name == "x-uue")
        return Encoding::uuencode;
    return Encoding::unknown;
}

void read_part_header(const Message& own, bool in_digest, Part& part)
{
    part.header = own.header();
    part.body = own.body();
    part.oddities |= own.oddities() | odd_characters(part.header);
    std::size_t types = 0;
    std::size_t encodings = 0;
    std::size_t dispositions = 0;
    std::vector<ContentType> repeated; // types after the first one
    for (const Field& f : own.fields()) {
        const auto name = own.name(f);
        if (lower(name[0]) != 'c' || !istarts_with(name, "content-"))
            continue;
        const auto rest = name.substr(8);
        if (iequals(rest, "type")) {
            const auto value = own.value(f);
            part.oddities |= Inspection(value, true, Oddity::odd_content_type).found();
            if (++types == 1)
                part.type = parse_content_type(value);
            else
                repeated.push_back(parse_content_type(value));
        } else if (iequals(rest, "transfer-encoding")) {
            if (++encodings == 1)
                read_encoding(own.value(f), part);
        } else if (iequals(rest, "disposition")) {
            const auto value = own.value(f);
            part.oddities |= Inspection(value, false, Oddity::odd_content_type).found();
            const auto disposition = parse_content_type(value);
            if (++dispositions == 1)
                part.disposition = disposition.value;
            add_names(disposition, "filename", part);
            add_names(disposition, "name", part); // a mistake that programs forgive, as they do the one below
        } else if (iequals(rest, "id") && part.content_id.empty()) {
            part.content_id = own.value(f);
        }
    }
    // the names of types come after those of dispositions
    const auto add_names_of_type = [&](const ContentType& type) {
        add_names(type, "name", part);
        add_names(type, "filename", part);
    };
    add_names_of_type(part.type);
    std::ranges::for_each(repeated, add_names_of_type);
    if (types > 1)
        part.oddities |= Oddity::duplicate_content_type;
    if (encodings > 1)
        part.oddities |= Oddity::duplicate_encoding;
    if (dispositions > 1)
        part.oddities |= Oddity::duplicate_disposition;
    if (part.file_names.size() > 1)
        part.oddities |= Oddity::conflicting_names;
    if (part.type.value.empty() || !part.type.value.contains('/'))
        part.type.value = in_digest && types == 0 ? "message/rfc822" : "text/plain";
    part.is_multipart = part.type.major() == "multipart";
    part.is_message = part.type.is("message/rfc822") || part.type.is("message/global");
    const auto first = part.body.substr(0, 16).find_first_not_of("\r\n");
    if (!part.is_message && first != std::string_view::npos && istarts_with(part.body.substr(first), "content-"))
        part.oddities |= Oddity::late_header;
    if (part.encoding != Encoding::identity && (part.is_multipart || part.type.major() == "message"))
        part.oddities |= Oddity::encoded_multipart;
}

} // namespace mgw::mail
