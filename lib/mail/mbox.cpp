#include "lib/mail/mbox.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/message.hpp"

#include <algorithm>

namespace mgw::mail
{

namespace
{
constexpr std::size_t longest_separator = 1000;
}

bool is_separator(std::string_view line)
{
    if (line.size() > longest_separator ||
        from_line_octets(std::string(line) + (line.ends_with('\n') ? "" : "\n")) == 0)
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

/// A message with a Content-Length over this is cut at its separators alone: looking further ahead would cost memory
/// that no message is there to fill.
constexpr std::size_t furthest_length = 64U << 20;

enum class ByLength : char { no, yes, wait };

/// Where the message that starts at 0 ends by its own Content-Length: believed only if a separator or the end follows
/// there. The answer is the same however the octets came in: `wait` until those that decide are there.
ByLength end_by_length(std::string_view rest, bool finished, std::size_t& end)
{
    const std::size_t first = from_line_octets(rest);
    const Message message(rest.substr(first));
    const auto value = message.value_of("Content-Length");
    const auto length = value ? parse_number(*value) : std::nullopt;
    if (!length || *length > furthest_length)
        return ByLength::no;
    end = first + message.body_begin() + *length;
    const auto short_of = [&](std::size_t octets) { return !finished && rest.size() < octets; };
    for (int i = 0; i < 2; ++i) { // the empty line
        if (short_of(end + 2))
            return ByLength::wait;
        if (end > rest.size())
            return ByLength::no;
        const auto here = rest.substr(end, 2);
        if (here.starts_with('\n'))
            end += 1;
        else if (here == "\r\n")
            end += 2;
    }
    if (end == rest.size())
        return finished ? ByLength::yes : ByLength::wait;
    const auto line = line_at(rest, end);
    if (!finished && !line.ends_with('\n') && line.size() <= longest_separator)
        return ByLength::wait;
    return is_separator(line) ? ByLength::yes : ByLength::no;
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
        const auto line = line_at(rest.substr(0, std::min(rest.size(), found + 2 + longest_separator)), found + 1);
        if (!line.ends_with('\n') && !finished_ && line.size() <= longest_separator) {
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
    if (end || finished_) {
        std::size_t by_length = 0;
        switch (end_by_length(rest, finished_, by_length)) {
        case ByLength::yes:
            end = by_length;
            break;
        case ByLength::wait:
            scanned_ = taken_ + (end ? *end - 1 : 0);
            return std::nullopt;
        case ByLength::no:
            break;
        }
    }
    if (!end && !finished_) {
        scanned_ = taken_ + (rest.size() > 8 ? rest.size() - 8 : 0);
        return std::nullopt;
    }
    std::string_view raw = rest.substr(0, end.value_or(rest.size()));
    MboxEntry entry;
    if (const std::size_t prefix = from_line_octets(raw); prefix > 0) {
        entry.prefix = raw.substr(0, prefix);
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
