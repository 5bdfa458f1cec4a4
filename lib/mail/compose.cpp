#include "lib/mail/compose.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/edits.hpp"

#include <algorithm>
#include <cassert>
#include <memory>
#include <mimetic/mimeentity.h>
#include <sstream>

namespace mgw::mail
{

std::string make_boundary(std::string_view content, Random& random)
{
    std::string boundary;
    do {
        boundary = "=_" + random.word(26);
    } while (content.contains(boundary));
    return boundary;
}

namespace
{

constexpr std::size_t deepest = 16;

bool has_line_end(std::string_view text)
{
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

/// RFC 5322 section 2.2: printable ASCII without the colon.
bool is_field_name(std::string_view name)
{
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c > 32 && c < 127 && c != ':'; });
}

/// RFC 2047 is for text; structured fields (addresses, ids, types) are given ready.
Result<std::string> field_value(const std::string& name, const std::string& value)
{
    if (has_line_end(value) || !is_field_name(name))
        return fail(Status::data, "a field to compose has a line end or NUL: " + printable_ascii(name, 40));
    return encode_words(value);
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

/// An entity whose body is written as it is: mimetic leaves the body of a message/rfc822 out unless it parsed it.
class Leaf : public mimetic::MimeEntity {
protected:
    std::ostream& write(std::ostream& out, const char* eol) const override
    {
        if (!body().parts().empty())
            return MimeEntity::write(out, eol);
        for (const auto& field : header())
            field.write(out, 76) << "\r\n";
        return out << "\r\n" << static_cast<const std::string&>(body());
    }
};

/// Fills a mimetic entity; `written` collects the texts of all parts, so that boundaries can be checked against them.
Result<void> fill(mimetic::MimeEntity& entity, const Composed& what, bool top, std::size_t depth, Random& random)
{
    if (depth > deepest)
        return fail(Status::data, "a message to compose is nested too deep");
    if (has_line_end(what.content_type))
        return fail(Status::data, "a content type to compose has a line end or NUL");
    auto& header = entity.header();
    for (const auto& [name, value] : what.fields) {
        auto encoded = field_value(name, value);
        if (!encoded)
            return pass(encoded);
        header.push_back(mimetic::Rfc822Header::value_type(name, *encoded));
    }
    if (top)
        header.push_back(mimetic::Rfc822Header::value_type("MIME-Version", "1.0"));
    std::string type = what.content_type;
    if (what.parts.empty()) {
        header.push_back(mimetic::Rfc822Header::value_type("Content-Type", type));
        entity.body().assign(with_crlf(what.body));
        return {};
    }
    std::ostringstream inside;
    for (const auto& part : what.parts) {
        auto child = std::make_unique<Leaf>();
        if (auto filled = fill(*child, part, false, depth + 1, random); !filled)
            return filled;
        inside << *child;
        entity.body().parts().push_back(child.release()); // the entity owns its parts
    }
    header.push_back(mimetic::Rfc822Header::value_type("Content-Type", type + "; boundary=\"" +
                                                                           make_boundary(inside.str(), random) + "\""));
    return {};
}

} // namespace

Result<std::string> compose(const Composed& what, Random& random)
{
    Leaf entity;
    if (auto filled = fill(entity, what, true, 0, random); !filled)
        return pass(filled);
    std::ostringstream text;
    text << entity;
    return with_crlf(text.str());
}

} // namespace mgw::mail
