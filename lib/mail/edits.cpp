#include "lib/mail/edits.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <utility>

namespace mgw::mail
{

void Edits::replace(std::size_t offset, std::size_t removed, std::string inserted)
{
    splices_.push_back(Splice{offset, removed, std::move(inserted)});
}

std::string field_lines(std::string_view field, std::string_view line_end)
{
    std::string out;
    for (const char c : field) {
        if (c == '\n')
            out += line_end;
        else if (c != '\r')
            out += c;
    }
    out += line_end;
    return out;
}

void Edits::prepend_field(const Message& message, std::string_view field)
{
    insert(0, field_lines(field, message.line_end()));
}

void Edits::append_field(const Message& message, std::string_view field)
{
    // a header that ends with the message may lack its last line end
    const bool open = message.header_end() > 0 && message.octets()[message.header_end() - 1] != '\n';
    insert(message.header_end(),
           (open ? std::string(message.line_end()) : std::string()) + field_lines(field, message.line_end()));
}

void Edits::replace_field(const Message& message, const Field& field, std::string_view text)
{
    replace(field.begin, field.end - field.begin, field_lines(text, message.line_end()));
}

std::vector<const Splice*> Edits::in_order() const
{
    std::vector<const Splice*> order;
    order.reserve(splices_.size());
    for (const Splice& s : splices_)
        order.push_back(&s);
    std::ranges::stable_sort(order, {}, [](const Splice* s) { return std::pair(s->offset, s->removed > 0); });
    return order;
}

Result<std::string> Edits::apply(std::string_view original) const
{
    const auto order = in_order();
    std::size_t grown = original.size();
    for (const Splice& s : splices_)
        grown += s.inserted.size();
    std::string out;
    out.reserve(grown);
    std::size_t at = 0;
    for (const Splice* s : order) {
        if (s->offset < at || s->offset > original.size() || s->removed > original.size() - s->offset)
            return fail(Status::temp_fail, "two changes of the message overlap");
        out += original.substr(at, s->offset - at);
        out += s->inserted;
        at = s->offset + s->removed;
    }
    out += original.substr(at);
    return out;
}

std::string fold(std::string_view field, std::size_t width)
{
    std::string out;
    std::size_t column = 0;
    std::size_t i = 0;
    while (i < field.size()) {
        std::size_t end = i;
        while (end < field.size() && is_blank(field[end]))
            ++end;
        while (end < field.size() && !is_blank(field[end]))
            ++end;
        const std::string_view word = field.substr(i, end - i);
        // a fold stands before white space; the name and its first word stay together
        if (column + word.size() > width && column > 0 && is_blank(word[0]) && !trim(word).empty() &&
            !out.ends_with(':')) {
            out += '\n';
            column = 0;
        }
        out += word;
        column += word.size();
        i = end;
    }
    return out;
}

} // namespace mgw::mail
