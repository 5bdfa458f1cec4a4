#include "lib/mail/mbox.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/message.hpp"
#include "lib/mail/separator.hpp"

#include <algorithm>
#include <cstring>

namespace mgw::mail
{

namespace
{

constexpr auto npos = std::string_view::npos;
/// A message with a Content-Length over this is cut at its separators alone: looking further ahead would cost memory
/// that no message is there to fill.
constexpr std::size_t furthest_length = 64U << 20;
/// Blank lines before the first separator of a file, at most.
constexpr std::size_t longest_blank = 64U << 10;
/// A buffer larger than this is given back once a large message is through.
constexpr std::size_t large_buffer = 16U << 20;

std::string_view line_at(std::string_view octets, std::size_t at)
{
    const auto lf = octets.find('\n', at);
    return octets.substr(at, lf == npos ? npos : lf + 1 - at);
}

/// The octets of the empty line at `at`: 0, 1 or 2.
std::size_t empty_line(std::string_view octets, std::size_t at)
{
    const auto here = octets.substr(std::min(at, octets.size()), 2);
    return here.starts_with('\n') ? 1 : (here == "\r\n" ? 2 : 0);
}

bool ends_in_empty_line(std::string_view octets)
{
    return octets.empty() || octets.ends_with("\n\n") || octets.ends_with("\n\r\n") || octets == "\n" ||
           octets == "\r\n";
}

} // namespace

std::size_t find_from_line(std::string_view octets, std::size_t at)
{
    // Whether "\nF" is among 64 octets is a question that the compiler answers with a few vector instructions: as fast
    // as memory, where memchr would stop at each line end.
    constexpr std::size_t block = 64;
    constexpr std::string_view wanted = "\nFrom ";
    const char* const data = octets.data();
    while (at + block + wanted.size() <= octets.size()) {
        unsigned char hit = 0;
        for (std::size_t i = 0; i < block; ++i)
            hit |= static_cast<unsigned char>((data[at + i] == '\n') & (data[at + i + 1] == 'F'));
        if (hit != 0)
            for (std::size_t i = at; i < at + block; ++i)
                if (data[i] == '\n' && std::memcmp(data + i, wanted.data(), wanted.size()) == 0)
                    return i;
        at += block;
    }
    return octets.find(wanted, at);
}

std::span<char> MboxReader::room(std::size_t octets)
{
    if (taken_ > 0 && (taken_ == used_ || taken_ >= used_ / 2)) {
        std::memmove(buffer_.data(), buffer_.data() + taken_, used_ - taken_);
        used_ -= taken_;
        taken_ = 0;
        if (buffer_.size() > large_buffer && used_ + octets < large_buffer / 4) {
            buffer_.resize(used_ + octets);
            buffer_.shrink_to_fit();
        }
    }
    if (buffer_.size() < used_ + octets)
        buffer_.resize(std::max(used_ + octets, buffer_.size() + buffer_.size() / 2));
    return {buffer_.data() + used_, buffer_.size() - used_};
}

void MboxReader::feed(std::string_view octets)
{
    if (!octets.empty())
        std::memcpy(room(octets.size()).data(), octets.data(), octets.size());
    fed(octets.size());
}

/// Finds what stands before the message's header.
MboxReader::Found MboxReader::find_prefix(std::string_view rest)
{
    std::size_t blank = 0;
    if (at_start_)
        for (std::size_t n = empty_line(rest, 0); n > 0 && blank < longest_blank; n = empty_line(rest, blank))
            blank += n;
    const auto line = line_at(rest.substr(0, std::min(rest.size(), blank + longest_separator + 1)), blank);
    if (!finished_ && line.size() <= longest_separator && !line.ends_with('\n') &&
        (line.size() < 5 || line.starts_with("From ")) && blank < longest_blank)
        return Found::wait;
    const bool may_be = line.size() <= longest_separator && blank < longest_blank;
    const std::size_t from = may_be ? from_line_octets(line) : 0;
    prefix_ = from > 0 ? blank + from : 0;
    scanned_ = *prefix_;
    return Found::yes;
}

/// Whether the line "From " at `line_begin` separates.
MboxReader::Found MboxReader::separates(std::string_view rest, std::size_t line_begin) const
{
    const auto line = line_at(rest.substr(0, std::min(rest.size(), line_begin + longest_separator + 1)), line_begin);
    if (!line.ends_with('\n') && !finished_ && line.size() <= longest_separator)
        return Found::wait;
    if (!line.ends_with('\n')) // the file ends in it: nothing can be separated
        return Found::no;
    const FromLine kind = from_line_kind(line);
    if (kind == FromLine::text)
        return Found::no;
    if (kind == FromLine::dated && ends_in_empty_line(rest.substr(0, line_begin)))
        return Found::yes;
    switch (field_start(rest.substr(line_begin + line.size()))) {
    case FieldStart::yes:
        return Found::yes;
    case FieldStart::more:
        return finished_ ? Found::no : Found::wait;
    case FieldStart::no:
        break;
    }
    return Found::no;
}

MboxReader::Found MboxReader::end_by_separator(std::string_view rest, std::size_t& end)
{
    for (;;) {
        const auto found = find_from_line(rest, scanned_);
        if (found == npos) {
            scanned_ = std::max(scanned_, rest.size() > 5 ? rest.size() - 5 : 0);
            return finished_ ? Found::no : Found::wait;
        }
        scanned_ = found;
        const Found separator = separates(rest, found + 1);
        if (separator == Found::wait)
            return Found::wait;
        if (separator == Found::yes) {
            end = found + 1;
            return Found::yes;
        }
        ++scanned_;
    }
}

/// Whether the message behind the separator at `at` has a Content-Length, too.
MboxReader::Found MboxReader::has_length(std::string_view rest, std::size_t at) const
{
    const std::size_t begin = at + line_at(rest, at).size();
    const auto header = rest.substr(begin, Limits{}.header_octets);
    auto end = header.find("\n\n");
    if (const auto crlf = header.find("\n\r\n"); crlf < end)
        end = crlf;
    if (end == npos && !finished_ && header.size() < Limits{}.header_octets)
        return Found::wait;
    return Message(header.substr(0, end == npos ? npos : end + 1)).value_of("Content-Length") ? Found::yes : Found::no;
}

/// Where the message ends by its own Content-Length, which must lead to a separator or to the end.
MboxReader::Found MboxReader::end_by_length(std::string_view rest, std::size_t& end) const
{
    const Message message(rest.substr(*prefix_, std::min(rest.size(), furthest_length)));
    const auto value = message.value_of("Content-Length");
    const auto length = value ? parse_number(*value) : std::nullopt;
    if (!length || *length > furthest_length)
        return Found::no;
    end = *prefix_ + message.body_begin() + *length;
    for (int i = 0; i < 2; ++i) { // the last line's end where the length leaves it out, and the empty line
        if (!finished_ && rest.size() < end + 2)
            return Found::wait;
        if (end > rest.size())
            return Found::no;
        end += empty_line(rest, end);
    }
    if (end == rest.size())
        return finished_ ? Found::yes : Found::wait;
    if (end == 0 || rest[end - 1] != '\n')
        return Found::no;
    const auto line = line_at(rest.substr(0, std::min(rest.size(), end + longest_separator + 1)), end);
    if (!finished_ && !line.ends_with('\n') && line.size() <= longest_separator)
        return Found::wait;
    return from_line_kind(line) == FromLine::text ? Found::no : Found::yes;
}

std::optional<MboxEntry> MboxReader::next()
{
    const std::string_view rest = this->rest();
    if (rest.empty() || (!prefix_ && find_prefix(rest) == Found::wait))
        return std::nullopt;
    std::size_t end = rest.size();
    if (end_by_separator(rest, end) == Found::wait)
        return std::nullopt;
    MboxEntry entry;
    if (rest.substr(*prefix_).starts_with("Mgw-Id: ")) // what mgw wrote is mboxrd
        lengths_hold_ = false;
    if (lengths_hold_) {
        std::size_t by_length = 0;
        Found length = end_by_length(rest, by_length);
        if (length == Found::yes && by_length > end && by_length < rest.size())
            length = has_length(rest, by_length);
        if (length == Found::wait)
            return std::nullopt;
        // it ends no message earlier than a separator does: what is behind would have none
        lengths_hold_ = length == Found::yes && by_length >= end;
        if (lengths_hold_)
            end = by_length;
    }
    std::string_view raw = rest.substr(0, end);
    entry.prefix = raw.substr(0, *prefix_);
    raw.remove_prefix(*prefix_);
    // the line end of the message's last line is the message's, the empty line is the mbox's
    const std::size_t trailer = raw.ends_with("\n\r\n") ? 2 : (raw.ends_with("\n\n") ? 1 : 0);
    entry.trailer = raw.substr(raw.size() - trailer);
    entry.text = raw.substr(0, raw.size() - trailer);
    entry.quoted = !lengths_hold_ || find_from_line(entry.text) == npos;
    taken_ += end;
    consumed_ += end;
    scanned_ = 0;
    prefix_.reset();
    at_start_ = false;
    return entry;
}

namespace
{

/// Calls `change(line_begin)` for each line that is at least `at_least` '>'s and "From ".
template <class Change> void each_quotable(std::string_view text, std::size_t at_least, Change change)
{
    for (auto at = text.find("From "); at != npos; at = text.find("From ", at + 5)) {
        std::size_t begin = at;
        while (begin > 0 && text[begin - 1] == '>')
            --begin;
        if (at - begin >= at_least && (begin == 0 || text[begin - 1] == '\n'))
            change(begin);
    }
}

/// Up to the line end before the first empty line.
std::size_t header_octets(std::string_view text)
{
    for (auto lf = text.find('\n'); lf != npos; lf = text.find('\n', lf + 1))
        if (empty_line(text, lf + 1) > 0)
            return lf;
    return text.size();
}

bool is_from_field(std::string_view line)
{
    return line.starts_with('F') && field_start(line) == FieldStart::yes;
}

} // namespace

std::string mboxrd_quote(std::string_view text, bool but_fields)
{
    std::string out;
    std::size_t copied = 0;
    const std::size_t fields = but_fields ? header_octets(text) : 0;
    each_quotable(text, 0, [&](std::size_t line) {
        if (line < fields && is_from_field(text.substr(line)))
            return;
        if (out.empty())
            out.reserve(text.size() + text.size() / 16 + 16);
        out.append(text.substr(copied, line - copied)) += '>';
        copied = line;
    });
    return out.append(text.substr(copied));
}

bool has_from_field(std::string_view text)
{
    const auto header = text.substr(0, header_octets(text));
    if (header.starts_with("From ") && is_from_field(header))
        return true;
    for (auto at = find_from_line(header); at != npos; at = find_from_line(header, at + 1))
        if (is_from_field(header.substr(at + 1)))
            return true;
    return false;
}

std::string mboxrd_unquote(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    std::size_t copied = 0;
    each_quotable(text, 1, [&](std::size_t line) {
        out.append(text.substr(copied, line - copied));
        copied = line + 1;
    });
    return out.append(text.substr(copied));
}

} // namespace mgw::mail
