#include "lib/mail/compose.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/edits.hpp"
#include "lib/mail/encode_body.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <memory>
#include <mimetic/mimeentity.h>
#include <sstream>

namespace mgw::mail
{

namespace
{

constexpr std::size_t deepest = 16;
constexpr std::size_t longest_line = 998; // RFC 5322 section 2.1.1
constexpr std::size_t encoded_line = 76;  // RFC 2047 section 2
constexpr std::string_view atom_specials = "()<>[]:;@\\,.\"";
constexpr std::string_view token_specials = "()<>@,;:\\\"/[]?="; // RFC 2045 section 5.1

bool has_line_end(std::string_view text)
{
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// RFC 5322 section 2.2: printable ASCII without the colon.
bool is_field_name(std::string_view name)
{
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 32 && c < 127 && c != ':'; });
}

/// Unstructured (RFC 5322 section 2.2.1): only in such a field may an encoded word stand anywhere.
bool is_text(std::string_view name)
{
    static constexpr std::array<std::string_view, 3> names{"Subject", "Comments", "Content-Description"};
    return istarts_with(name, "X-") || std::ranges::any_of(names, [&](auto text) { return iequals(text, name); });
}

std::string quoted(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out += '"';
}

/// Text as encoded words where it is not ASCII. A line with one is at most 76 characters long (RFC 2047 section 2), the
/// first, which begins with the name, too. Characters stay whole.
std::string encoded_text(std::string_view name, std::string_view utf8)
{
    if (encode_words(utf8) == utf8)
        return std::string(utf8);
    constexpr std::size_t frame = 12; // =?UTF-8?B? and its end
    std::string out;
    std::size_t column = std::min<std::size_t>(name.size() + 2, 40);
    while (!utf8.empty()) {
        std::size_t count = std::min((encoded_line - column - frame) / 4 * 3, utf8.size());
        while (count > 1 && count < utf8.size() && (static_cast<unsigned char>(utf8[count]) & 0xC0) == 0x80)
            --count;
        out.append(out.empty() ? "" : " ").append("=?UTF-8?B?").append(base64_encode(utf8.substr(0, count), 0));
        out += "?=";
        utf8.remove_prefix(count);
        column = 1;
    }
    return out;
}

/// A value as it stands in the header, folded.
Result<std::string> field_value(const std::string& name, const std::string& value)
{
    if (has_line_end(value) || !is_field_name(name))
        return fail(Status::data, "a field to compose has a line end or NUL: " + printable_ascii(name, 40));
    if (!is_valid_utf8(value))
        return fail(Status::data, "a field to compose is not UTF-8: " + printable_ascii(name, 40));
    const std::string field = fold(name + ": " + (is_text(name) ? encoded_text(name, value) : value), encoded_line);
    for (const auto line : split(field, '\n'))
        if (line.size() > longest_line)
            return fail(Status::data, "a field to compose has a word that is too long: " + printable_ascii(name, 40));
    return field_lines(field.substr(name.size() + 2), "\r\n");
}

/// Line ends as mail has them on the wire.
std::string with_crlf(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + text.size() / 40);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out += '\r';
        out += text[i];
    }
    return out;
}

/// An entity that is written as it was put together: mimetic's own writing leaves out the body of a message/rfc822 that
/// it did not parse, and its folding adds blanks to values.
class Entity : public mimetic::MimeEntity {
public:
    std::string boundary;

    void add_field(std::string_view name, std::string value)
    {
        if (value.ends_with("\r\n"))
            value.resize(value.size() - 2);
        header().push_back(mimetic::Rfc822Header::value_type(std::string(name), value));
    }

protected:
    std::ostream& write(std::ostream& out, const char*) const override
    {
        for (const auto& field : header())
            field.write(out, 0) << "\r\n";
        out << "\r\n";
        if (body().parts().empty())
            return out << static_cast<const std::string&>(body());
        for (const auto* part : body().parts())
            out << "--" << boundary << "\r\n" << *part << "\r\n";
        return out << "--" << boundary << "--\r\n";
    }
};

/// RFC 2046 section 5.2.1: a message is never encoded, so what it holds must be fit for the wire.
Result<EncodedBody> encode_message(std::string text)
{
    if (!has_fit_lines(text))
        return fail(Status::data, "a message to attach has a NUL, a bare CR or a line that is too long");
    const bool plain = is_ascii(text);
    return EncodedBody{std::move(text), plain ? std::string_view{} : "8bit"};
}

Result<EncodedBody> encode_leaf(const Composed& what, std::string_view type)
{
    for (const auto& [name, value] : what.fields)
        if (iequals(name, "Content-Transfer-Encoding"))
            return EncodedBody{with_crlf(what.body), {}};
    if (type.starts_with("message/"))
        return encode_message(with_crlf(what.body));
    if (type.starts_with("text/"))
        return encode_text(with_crlf(what.body));
    return EncodedBody{base64_encode(what.body), "base64"};
}

/// Fills an entity and what is in it.
Result<void> fill(Entity& entity, const Composed& what, bool top, std::size_t depth, Random& random)
{
    if (depth > deepest)
        return fail(Status::data, "a message to compose is nested too deep");
    if (top)
        entity.add_field("MIME-Version", "1.0");
    for (const auto& [name, value] : what.fields) {
        auto encoded = field_value(name, value);
        if (!encoded)
            return pass(encoded);
        entity.add_field(name, std::move(*encoded));
    }
    std::string type = what.content_type;
    std::string_view encoding;
    if (what.parts.empty()) {
        auto body = encode_leaf(what, to_lower(type));
        if (!body)
            return pass(body);
        entity.body().assign(std::move(body->octets));
        encoding = body->encoding;
    } else {
        std::ostringstream inside;
        for (const auto& part : what.parts) {
            auto child = std::make_unique<Entity>();
            if (auto filled = fill(*child, part, false, depth + 1, random); !filled)
                return filled;
            inside << *child;
            entity.body().parts().push_back(child.release()); // the entity owns its parts
        }
        entity.boundary = make_boundary(inside.str(), random);
        type += "; boundary=" + quoted(entity.boundary);
    }
    auto written = field_value("Content-Type", type);
    if (!written)
        return pass(written);
    entity.add_field("Content-Type", std::move(*written));
    if (!encoding.empty())
        entity.add_field("Content-Transfer-Encoding", std::string(encoding));
    return {};
}

Result<std::string> write(const Composed& what, bool top, Random& random)
{
    Entity entity;
    if (auto filled = fill(entity, what, top, 0, random); !filled)
        return pass(filled);
    std::ostringstream text;
    text << entity;
    return text.str();
}

} // namespace

Result<std::string> compose(const Composed& what, Random& random)
{
    return write(what, true, random);
}

Result<std::string> compose_part(const Composed& what, Random& random)
{
    return write(what, false, random);
}

std::string mailbox(std::string_view name, std::string_view address)
{
    const std::string path = "<" + std::string(address) + ">";
    if (name.empty())
        return path;
    if (!is_ascii(name) || name.contains("=?"))
        return encode_words(name) + " " + path;
    const bool plain = name.find_first_of(atom_specials) == std::string_view::npos && trim(name) == name;
    return (plain ? std::string(name) : quoted(name)) + " " + path;
}

std::string parameter(std::string_view name, std::string_view utf8)
{
    const std::string start = "; " + std::string(name);
    if (is_ascii(utf8)) {
        const bool is_token = !utf8.empty() && std::ranges::all_of(utf8, [](char c) {
            return c > 32 && c < 127 && !token_specials.contains(c);
        });
        return start + "=" + (is_token ? std::string(utf8) : quoted(utf8));
    }
    std::string out = start + "*=UTF-8''"; // RFC 2231 section 4
    for (const char c : utf8) {
        const bool is_plain = is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
        if (is_plain)
            out += c;
        else
            out += "%" + hex(std::string_view(&c, 1));
    }
    return out;
}

} // namespace mgw::mail
