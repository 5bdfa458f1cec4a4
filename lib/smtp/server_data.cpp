#include "lib/smtp/server_data.hpp"

#include <algorithm>

namespace mgw::smtp
{

bool DataReader::feed(std::string_view& octets)
{
    const auto begin = octets.size();
    const bool ended = take(octets);
    seen_ += begin - octets.size();
    return ended;
}

void DataReader::feed_chunk(std::string_view octets)
{
    chunked_ = true;
    feed(octets);
}

void DataReader::end_chunks()
{
    if (state_ != State::cr)
        return;
    if (rules_.normalize)
        end_line(false);
    else
        fail(DataFault::bare_cr_or_lf);
}

/// A CR is held back until the octet behind it is known: states dot_cr and cr.
bool DataReader::take(std::string_view& octets)
{
    while (!octets.empty()) {
        const char c = octets.front();
        switch (state_) {
        case State::line_start:
            if (c == '.' && !chunked_) {
                octets.remove_prefix(1);
                state_ = State::dot;
            } else {
                state_ = State::text;
            }
            break;
        case State::dot: // the dot itself is never part of the message
            if (c == '\r') {
                octets.remove_prefix(1);
                state_ = State::dot_cr;
            } else {
                state_ = State::text;
            }
            break;
        case State::dot_cr:
            if (c == '\n' && properly_) {
                octets.remove_prefix(1);
                state_ = State::line_start;
                return true;
            }
            state_ = State::cr; // a line of its own that was only a dot, or a CR that stands alone
            break;
        case State::cr:
            if (c == '\n') {
                octets.remove_prefix(1);
                end_line(true);
            } else if (rules_.normalize) {
                end_line(false);
            } else {
                fail(DataFault::bare_cr_or_lf);
                state_ = State::text;
            }
            break;
        case State::text:
            if (rules_.normalize)
                take_normalizing(octets);
            else
                take_text(octets);
            break;
        }
    }
    return false;
}

/// Takes as many whole lines as can be taken without looking at their first octet, the common case, in one piece.
void DataReader::take_text(std::string_view& octets)
{
    std::size_t end = 0;
    std::size_t take = octets.size();
    while (end < octets.size()) {
        const auto cr = std::min(octets.find('\r', end), octets.size());
        check_text(octets.substr(end, cr - end), end);
        if (cr == octets.size())
            break;
        if (cr + 1 == octets.size()) {
            state_ = State::cr;
            take = cr;
            break;
        }
        end = cr + 1;
        if (octets[end] != '\n') {
            fail(DataFault::bare_cr_or_lf, cr);
            continue;
        }
        ++end;
        line_ = 0;
        if (end == octets.size() || (octets[end] == '.' && !chunked_)) {
            state_ = State::line_start;
            take = end;
            break;
        }
    }
    emit(octets.substr(0, take));
    octets.remove_prefix(state_ == State::cr ? take + 1 : take);
}

void DataReader::take_normalizing(std::string_view& octets)
{
    const auto end = std::min(octets.find_first_of("\r\n"), octets.size());
    check_text(octets.substr(0, end), 0);
    emit(octets.substr(0, end));
    octets.remove_prefix(end);
    if (octets.empty())
        return;
    if (octets.front() == '\n')
        end_line(false);
    else
        state_ = State::cr;
    octets.remove_prefix(1);
}

/// Looks for faults in `text`, a part of one line, which stands `before` octets behind what was stored.
void DataReader::check_text(std::string_view text, std::size_t before)
{
    const auto nul = text.find('\0');
    const auto lf = text.find('\n');
    const auto too_long =
        line_ + text.size() > rules_.line_octets ? rules_.line_octets - line_ : std::string_view::npos;
    line_ = std::min(line_ + text.size(), rules_.line_octets);
    if (const auto first = std::min({nul, lf, too_long}); first != std::string_view::npos)
        fail(first == lf    ? DataFault::bare_cr_or_lf
             : first == nul ? DataFault::nul
                            : DataFault::long_line,
             before + first);
}

void DataReader::end_line(bool properly)
{
    emit("\r\n");
    line_ = 0;
    properly_ = properly;
    state_ = State::line_start;
}

void DataReader::emit(std::string_view octets)
{
    if (fault_ != DataFault::none)
        return;
    if (spool_.size() + octets.size() > rules_.message_octets)
        fail(DataFault::too_large);
    else if (!spool_.append(octets))
        fail(DataFault::no_memory);
}

/// `before`: octets that stand between what was stored and the fault.
void DataReader::fail(DataFault fault, std::size_t before)
{
    // what is refused anyway should not hold memory; the first reason is the one to tell
    if (fault_ == DataFault::none)
        fault_ = spool_.size() + before > rules_.message_octets ? DataFault::too_large : fault;
    spool_.clear();
}

ServerReply data_refusal(DataFault fault, const DataRules& rules)
{
    switch (fault) {
    case DataFault::bare_cr_or_lf:
        return {550, "5.5.2", "A CR or LF that stands alone is not allowed (RFC 5321 section 2.3.8)"};
    case DataFault::nul:
        return {550, "5.6.0", "A NUL octet is not allowed in a message (RFC 2045 section 2.8)"};
    case DataFault::long_line:
        return {550, "5.6.0", "A line is longer than " + std::to_string(rules.line_octets) + " octets"};
    case DataFault::too_large:
        return {552, "5.3.4", "Message is larger than " + std::to_string(rules.message_octets) + " octets"};
    case DataFault::no_memory:
        return {452, "4.3.1", "Out of memory for messages, try again later"};
    case DataFault::none:
        break;
    }
    return {};
}

} // namespace mgw::smtp
