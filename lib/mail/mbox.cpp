#include "lib/mail/mbox.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/message.hpp"

namespace mgw::mail
{

bool is_separator(std::string_view line)
{
    if (!line.starts_with("From ") || line.size() > 1000)
        return false;
    for (std::size_t i = 5; i + 2 < line.size(); ++i) // hh:mm somewhere
        if (line[i] == ':' && is_digit(line[i - 1]) && is_digit(line[i + 1]) && is_digit(line[i + 2]))
            return true;
    return false;
}

void MboxReader::feed(std::string_view octets)
{
    if (taken_ > 0 && taken_ >= buffer_.size() / 2) {
        buffer_.erase(0, taken_);
        scanned_ -= taken_;
        taken_ = 0;
    }
    buffer_ += octets;
}

namespace
{

std::string_view line_at(std::string_view octets, std::size_t at)
{
    const auto lf = octets.find('\n', at);
    return octets.substr(at, lf == std::string_view::npos ? std::string_view::npos : lf + 1 - at);
}

/// Where the message that starts at 0 ends by its own Content-Length; nothing unless a separator or the end follows
/// there.
std::optional<std::size_t> end_by_length(std::string_view rest, bool finished)
{
    const std::size_t first = line_at(rest, 0).size();
    const Message message(rest.substr(first));
    const auto value = message.value_of("Content-Length");
    const auto length = value ? parse_number(*value) : std::nullopt;
    if (!length || *length > rest.size())
        return std::nullopt;
    std::size_t end = first + message.body_begin() + *length;
    for (int i = 0; i < 2 && end < rest.size() && !rest.substr(end).starts_with("From "); ++i) { // the empty line
        const auto line = line_at(rest, end);
        if (line != "\n" && line != "\r\n")
            break;
        end += line.size();
    }
    if (end > rest.size())
        return std::nullopt;
    if (end == rest.size())
        return finished ? std::optional(end) : std::nullopt;
    return is_separator(line_at(rest, end)) ? std::optional(end) : std::nullopt;
}

} // namespace

std::optional<MboxEntry> MboxReader::next()
{
    const std::string_view rest = std::string_view(buffer_).substr(taken_);
    if (rest.empty())
        return std::nullopt;
    std::optional<std::size_t> end;
    std::size_t at = scanned_ > taken_ ? scanned_ - taken_ : 0;
    for (;;) {
        const auto found = rest.find("\nFrom ", at);
        if (found == std::string_view::npos)
            break;
        const auto line = line_at(rest, found + 1);
        if (!line.ends_with('\n') && !finished_) {
            scanned_ = taken_ + found;
            return std::nullopt;
        }
        const bool after_empty =
            found == 0 || rest[found - 1] == '\n' || (found >= 2 && rest[found - 1] == '\r' && rest[found - 2] == '\n');
        if (after_empty && is_separator(line)) {
            end = found + 1;
            break;
        }
        at = found + 1;
    }
    if (end || finished_)
        if (const auto by_length = end_by_length(rest, finished_))
            end = std::max(*by_length, end.value_or(0));
    if (!end && !finished_) {
        scanned_ = taken_ + (rest.size() > 8 ? rest.size() - 8 : 0);
        return std::nullopt;
    }
    std::string_view raw = rest.substr(0, end.value_or(rest.size()));
    MboxEntry entry;
    if (raw.starts_with("From ")) {
        entry.prefix = line_at(raw, 0);
        raw.remove_prefix(entry.prefix.size());
    }
    for (const std::string_view empty : {std::string_view("\r\n\r\n"), std::string_view("\n\n")}) {
        // the line end of the message's last line is the message's, the empty line is the mbox's
        if (raw.ends_with(empty)) {
            entry.trailer = empty.substr(empty.size() / 2);
            raw.remove_suffix(entry.trailer.size());
            break;
        }
    }
    entry.text = raw;
    taken_ += entry.prefix.size() + entry.text.size() + entry.trailer.size();
    scanned_ = taken_;
    return entry;
}

namespace
{

/// Whether a line is some '>'s and "From ".
bool is_quotable(std::string_view line, std::size_t at_least)
{
    std::size_t n = 0;
    while (n < line.size() && line[n] == '>')
        ++n;
    return n >= at_least && line.substr(n).starts_with("From ");
}

template <class Change> std::string each_quotable(std::string_view text, std::size_t at_least, Change change)
{
    if (!text.contains("From "))
        return std::string(text);
    std::string out;
    out.reserve(text.size() + 16);
    while (!text.empty()) {
        const auto line = line_at(text, 0);
        text.remove_prefix(line.size());
        if (is_quotable(line, at_least))
            change(out, line);
        else
            out += line;
    }
    return out;
}

} // namespace

std::string mboxrd_quote(std::string_view text)
{
    return each_quotable(text, 0, [](std::string& out, std::string_view line) { out.append(">").append(line); });
}

std::string mboxrd_unquote(std::string_view text)
{
    return each_quotable(text, 1, [](std::string& out, std::string_view line) { out += line.substr(1); });
}

} // namespace mgw::mail
