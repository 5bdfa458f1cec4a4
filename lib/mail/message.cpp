#include "lib/mail/message.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/boundaries.hpp"
#include "lib/mail/line_scan.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace mgw::mail
{

namespace
{

/// Past the LF that ends the line at `at`, or the end of the octets.
std::size_t next_line(std::string_view octets, std::size_t at)
{
    const void* lf = at < octets.size() ? std::memchr(octets.data() + at, '\n', octets.size() - at) : nullptr;
    return lf == nullptr ? octets.size() : static_cast<std::size_t>(static_cast<const char*>(lf) - octets.data()) + 1;
}

bool is_empty_line(std::string_view line)
{
    return line == "\n" || line == "\r\n";
}

constexpr std::size_t usual_fields = 16; // of a header: room that is not asked for again and again

/// Length of the field name at the start of a line (RFC 5322 section 3.6.8), 0 if it has none.
std::size_t field_name_octets(std::string_view line)
{
    std::size_t n = 0;
    while (n < line.size() && line[n] > 32 && line[n] < 127 && line[n] != ':')
        ++n;
    return n;
}

/// Whether a line that continues another field reads like a MIME field of its own, as some programs read it. Lists of
/// field names, as in DKIM-Signature, hold no such values.
bool is_hidden_field(std::string_view line)
{
    const auto text = trim(line);
    if (!istarts_with(text, "content-"))
        return false;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return false;
    const auto name = trim(text.substr(0, colon));
    const auto value = trim(text.substr(colon + 1));
    if (iequals(name, "content-type"))
        return value.substr(0, value.find_first_of(";:=")).contains('/');
    return (iequals(name, "content-transfer-encoding") || iequals(name, "content-disposition")) && !value.empty() &&
           !value.contains(':') && !istarts_with(value, "content-") && !istarts_with(value, "mime-");
}

} // namespace

Oddity Message::all_oddities() const
{
    const LineEndOddities seen = line_end_oddities(octets_);
    Oddity found = oddities_;
    if (seen.nul)
        found |= Oddity::nul;
    if (seen.bare_cr)
        found |= Oddity::bare_cr;
    if (seen.bare_lf && line_end_.size() == 2)
        found |= Oddity::bare_lf;
    return found;
}

std::size_t from_line_octets(std::string_view octets)
{
    if (!octets.starts_with("From "))
        return 0;
    // "From : a@b" is the obsolete spelling of the field (RFC 5322 section 4.5.2): no stage may overlook an author
    const std::size_t word = octets.find_first_not_of(" \t", 4);
    const std::size_t end = next_line(octets, 0);
    if (octets[end - 1] != '\n') // not a line: what is put behind it would be glued to it
        return 0;
    return word != std::string_view::npos && octets[word] == ':' ? 0 : end;
}

Message::Message(std::string_view octets, const Limits& limits) : octets_(octets)
{
    index(limits, nullptr);
}

Message::Message(std::string_view octets, const Limits& limits, const Boundaries& open) : octets_(octets)
{
    index(limits, &open);
}

void Message::index(const Limits& limits, const Boundaries* open)
{
    const std::size_t first = next_line(octets_, 0);
    if (first >= 2 && octets_[first - 1] == '\n' && octets_[first - 2] == '\r')
        line_end_ = "\r\n";
    index_header(limits, open);
}

void Message::index_header(const Limits& limits, const Boundaries* open)
{
    std::size_t at = 0;
    header_end_ = body_begin_ = octets_.size();
    fields_.reserve(usual_fields);
    if (from_line_octets(octets_) > 0)
        oddities_ |= Oddity::from_line;
    if (octets_.starts_with("\xEF\xBB\xBF"))
        oddities_ |= Oddity::byte_order_mark;
    while (at < octets_.size()) {
        const std::size_t end = next_line(octets_, at);
        const std::string_view line = octets_.substr(at, end - at);
        if (is_empty_line(line)) {
            header_end_ = at;
            body_begin_ = end;
            return;
        }
        if (open != nullptr && line.starts_with("--") && open->match(line)) {
            delimiter_ = at;
            octets_ = octets_.substr(0, line_end_before(octets_, at));
            header_end_ = body_begin_ = octets_.size();
            if (!fields_.empty())
                fields_.back().end = std::min(fields_.back().end, octets_.size());
            break;
        }
        const bool continues = is_blank(line[0]) && !fields_.empty();
        if (end > limits.header_octets || (!continues && fields_.size() >= limits.fields)) {
            oddities_ |= Oddity::header_too_large;
            header_end_ = body_begin_ = at;
            return;
        }
        if (continues) {
            fields_.back().end = end;
            if (end - fields_.back().begin > limits.field_octets)
                oddities_ |= Oddity::header_too_large;
            std::size_t word = 1;
            while (word < line.size() && is_blank(line[word]))
                ++word;
            if (word == line.size() || line[word] == '\r' || line[word] == '\n')
                oddities_ |= Oddity::blank_line_in_header;
            else if (lower(line[word]) == 'c' && is_hidden_field(line.substr(word)))
                oddities_ |= Oddity::hidden_field;
        } else {
            const std::size_t name = field_name_octets(line);
            std::size_t colon = name;
            while (colon < line.size() && is_blank(line[colon]))
                ++colon;
            if (name == 0 || colon >= line.size() || line[colon] != ':') {
                oddities_ |= at == 0 ? Oddity::no_header : Oddity::header_ends_early;
                header_end_ = body_begin_ = at;
                return;
            }
            if (colon != name)
                oddities_ |= Oddity::blank_before_colon;
            if (line.size() > limits.field_octets)
                oddities_ |= Oddity::header_too_large;
            fields_.push_back(Field{at, at + name, at + colon + 1, end});
        }
        if (line.size() > 1000)
            oddities_ |= Oddity::line_too_long;
        at = end;
    }
    if (octets_.empty())
        oddities_ |= Oddity::no_header;
}

std::string_view Message::raw_value(const Field& f) const
{
    std::string_view value = octets_.substr(f.value_begin, f.end - f.value_begin);
    if (value.ends_with('\n'))
        value.remove_suffix(1);
    if (value.ends_with('\r'))
        value.remove_suffix(1);
    return value;
}

std::string Message::value(const Field& f) const
{
    return unfold(raw_value(f));
}

const Field* Message::find(std::string_view name) const
{
    for (const Field& f : fields_)
        if (iequals(this->name(f), name))
            return &f;
    return nullptr;
}

std::vector<const Field*> Message::find_all(std::string_view name) const
{
    std::vector<const Field*> out;
    for (const Field& f : fields_)
        if (iequals(this->name(f), name))
            out.push_back(&f);
    return out;
}

std::optional<std::string> Message::value_of(std::string_view name) const
{
    const Field* f = find(name);
    return f != nullptr ? std::optional(value(*f)) : std::nullopt;
}

std::string unfold(std::string_view raw_value)
{
    if (!raw_value.contains('\n') && !raw_value.contains('\r'))
        return std::string(trim(raw_value));
    std::string out;
    out.reserve(raw_value.size());
    for (std::size_t i = 0; i < raw_value.size(); ++i) {
        const char c = raw_value[i];
        if (c == '\n' || (c == '\r' && i + 1 < raw_value.size() && raw_value[i + 1] == '\n'))
            continue;
        out += c;
    }
    const auto trimmed = trim(out);
    if (trimmed.size() != out.size())
        return std::string(trimmed);
    return out;
}

} // namespace mgw::mail
