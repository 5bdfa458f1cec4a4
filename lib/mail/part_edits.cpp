#include "lib/mail/part_edits.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/boundary.hpp"

#include <functional>

namespace mgw::mail
{

namespace
{

/// `text` with the line ends that `message` has; a CR alone stays.
std::string in_lines_of(const Message& message, std::string_view text)
{
    const bool crlf = message.line_end() == "\r\n";
    std::string out;
    out.reserve(text.size() + (crlf ? text.size() / 32 : 0));
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_end = text.substr(i, 2) == "\r\n" || text[i] == '\n';
        if (!is_end) {
            out += text[i];
            continue;
        }
        out += message.line_end();
        if (text[i] == '\r')
            ++i;
    }
    return out;
}

/// Whether a line of `text` begins as a delimiter of `boundary` does, also where only a lenient program would see one.
bool has_delimiter(std::string_view text, std::string_view boundary)
{
    const std::string delimiter = "--" + std::string(trim(boundary));
    for (std::size_t at = text.find(delimiter); at != std::string_view::npos; at = text.find(delimiter, at + 1))
        if (at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r')
            return true;
    return false;
}

std::string named(const Part& part)
{
    return "part " + part.path() + " (" + printable_ascii(part.type.value, 60) + ")";
}

} // namespace

std::optional<Place> place_of(std::string_view octets, const Part& part)
{
    // compared by the total order of std::less: the views may point into other memory
    const auto is_within = [&](std::string_view view) {
        const std::less_equal<const char*> before;
        return view.data() != nullptr && before(octets.data(), view.data()) &&
               before(view.data() + view.size(), octets.data() + octets.size());
    };
    if (!is_within(part.header) || !is_within(part.body))
        return std::nullopt;
    const auto offset = [&](const char* at) { return static_cast<std::size_t>(at - octets.data()); };
    const Place place{offset(part.header.data()), offset(part.body.data()),
                      offset(part.body.data() + part.body.size())};
    return place.begin <= place.body ? std::optional(place) : std::nullopt;
}

bool is_sealed(const Part& part)
{
    return part.type.is("multipart/signed") || part.type.is("application/pkcs7-mime") ||
           part.type.is("application/x-pkcs7-mime");
}

std::optional<std::size_t> seal_around(const Parts& parts, std::size_t index, bool with_self)
{
    const auto& all = parts.all();
    std::optional<std::size_t> outermost;
    for (auto at = with_self ? static_cast<int>(index) : all[index].parent; at >= 0;
         at = all[static_cast<std::size_t>(at)].parent)
        if (is_sealed(all[static_cast<std::size_t>(at)]))
            outermost = static_cast<std::size_t>(at);
    return outermost;
}

Result<Place> PartEdits::open_place(std::size_t index, bool with_self) const
{
    const auto& all = parts_.all();
    if (index >= all.size())
        return fail(Status::data, "there is no part number " + std::to_string(index + 1));
    if (const auto seal = seal_around(parts_, index, with_self))
        return fail(Status::data,
                    named(all[index]) + " is under the signature of " + named(all[*seal]) + " and must not be changed",
                    "wrap the message as a whole, or replace the signed part as a whole");
    const auto place = place_of(message_.octets(), all[index]);
    if (!place)
        return fail(Status::data, named(all[index]) + " stands inside an encoded part and cannot be changed alone");
    return *place;
}

/// The entity in the message's line ends, checked against the delimiters of part `index` and of all that is around it.
Result<std::string> PartEdits::fitted(std::size_t index, std::string_view entity) const
{
    std::string out = in_lines_of(message_, entity);
    const auto& all = parts_.all();
    for (auto at = static_cast<int>(index); at >= 0; at = all[static_cast<std::size_t>(at)].parent) {
        const Part& part = all[static_cast<std::size_t>(at)];
        const auto boundary = part.type.parameter("boundary");
        if (part.is_multipart && boundary && has_delimiter(out, *boundary))
            return fail(Status::data, "what is to be put into " + named(part) + " has a line like its delimiter");
    }
    return out;
}

Result<void> PartEdits::replace_body(std::size_t index, std::string_view body)
{
    const auto place = open_place(index, true);
    if (!place)
        return std::unexpected(place.error());
    const auto parent = parts_.all()[index].parent;
    auto text = parent >= 0 ? fitted(static_cast<std::size_t>(parent), body) : in_lines_of(message_, body);
    if (!text)
        return pass(text);
    // a header that ends with the part has no empty line yet
    if (place->body == message_.header_end() && index == 0)
        text->insert(0, message_.line_end());
    edits_.replace(place->body, place->end - place->body, std::move(*text));
    return {};
}

Result<void> PartEdits::replace(std::size_t index, std::string_view entity)
{
    if (index == 0)
        return fail(Status::data, "the message itself cannot be replaced by a part");
    const auto place = open_place(index, false);
    if (!place)
        return std::unexpected(place.error());
    auto text = fitted(static_cast<std::size_t>(parts_.all()[index].parent), entity);
    if (!text)
        return pass(text);
    edits_.replace(place->begin, place->end - place->begin, std::move(*text));
    return {};
}

Result<void> PartEdits::add(std::size_t index, std::string_view entity, Where where)
{
    if (auto open = open_place(index, true); !open)
        return std::unexpected(open.error());
    const auto& all = parts_.all();
    const Part& multipart = all[index];
    std::size_t chosen = 0;
    for (std::size_t i = index + 1; i < all.size(); ++i)
        if (all[i].parent == static_cast<int>(index) && (chosen == 0 || where == Where::last))
            chosen = i;
    const auto boundary = multipart.type.parameter("boundary");
    if (!multipart.is_multipart || !boundary || chosen == 0)
        return fail(Status::data, named(multipart) + " is no multipart that has parts",
                    "a message of one part is wrapped instead");
    const auto place = place_of(message_.octets(), all[chosen]);
    if (!place)
        return fail(Status::data, named(all[chosen]) + " stands inside an encoded part");
    auto text = fitted(index, entity);
    if (!text)
        return pass(text);
    const std::string end(message_.line_end());
    const std::string delimiter = "--" + *boundary;
    if (where == Where::first)
        edits_.insert(place->begin, *text + end + delimiter + end);
    else
        edits_.insert(place->end, end + delimiter + end + *text);
    return {};
}

Result<void> PartEdits::wrap(std::string_view entity, Where where, Random& random)
{
    const std::string end(message_.line_end());
    const std::string text = in_lines_of(message_, entity);
    const std::string boundary =
        make_boundary(std::string(message_.octets()) + text, random); // must not occur in either
    const std::string delimiter = "--" + boundary + end;
    std::string inner; // the header that the old body keeps
    bool is_placed = false;
    std::string type = "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"";
    if (message_.find("MIME-Version") == nullptr)
        type.insert(0, "MIME-Version: 1.0\n");
    for (const Field& field : message_.fields()) {
        if (!istarts_with(message_.name(field), "Content-"))
            continue;
        inner += message_.raw(field);
        if (!inner.ends_with('\n'))
            inner += end;
        if (is_placed)
            edits_.remove_field(field);
        else
            edits_.replace_field(message_, field, type);
        is_placed = true;
    }
    if (!is_placed)
        edits_.append_field(message_, type);
    const std::size_t body = message_.body_begin();
    std::string before = body == message_.header_end() ? end : std::string{}; // no empty line yet
    std::string after = end;
    if (where == Where::first)
        before += delimiter + text + end;
    else
        after += delimiter + text + end;
    before += delimiter + inner + end;
    after += "--" + boundary + "--" + end;
    edits_.insert(body, std::move(before));
    edits_.insert(message_.octets().size(), std::move(after));
    return {};
}

} // namespace mgw::mail
