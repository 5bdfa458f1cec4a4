#include "lib/smtp/server_data.hpp"

#include <algorithm>
#include <utility>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t mended_octets = 64U << 10;

}

bool DataReader::feed(std::string_view& octets)
{
    const auto begin = octets.size();
    const bool ended = take(octets);
    flush();
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
    flush();
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
            take_text(octets);
            break;
        }
    }
    return false;
}

/// Takes as many whole lines as can be taken without looking at their first octet, the common case, in one piece.
void DataReader::take_text(std::string_view& octets)
{
    std::size_t end = 0; // of what is looked at and good
    bool bare_lf = false;
    while (state_ == State::text && end < octets.size()) {
        const auto stop = line_stop(octets, end);
        check_text(octets.substr(end, stop - end), end);
        end = stop;
        if (end == octets.size())
            break;
        bare_lf = octets[end] == '\n';
        if (bare_lf)
            break;
        if (end + 1 == octets.size() || octets[end + 1] != '\n') {
            state_ = State::cr; // held back
            break;
        }
        end += 2;
        line_ = 0;
        properly_ = true;
        if (end == octets.size() || (octets[end] == '.' && !chunked_))
            state_ = State::line_start;
    }
    emit(octets.substr(0, end));
    octets.remove_prefix(end + (bare_lf || state_ == State::cr ? 1 : 0));
    if (bare_lf)
        end_line(false);
}

/// Where the line ends that goes on at `from`: at a CR, where line ends are mended at a LF as well. One look at each
/// octet, whatever the mixture is.
std::size_t DataReader::line_stop(std::string_view octets, std::size_t from) const
{
    if (!rules_.normalize)
        return std::min(octets.find('\r', from), octets.size());
    while (from < octets.size() && octets[from] != '\r' && octets[from] != '\n')
        ++from;
    return from;
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

/// Mended text comes in small pieces, which are put together first.
void DataReader::emit(std::string_view octets)
{
    if (!rules_.normalize || fault_ != DataFault::none)
        return store(octets);
    mended_ += octets;
    if (mended_.size() > mended_octets)
        flush();
}

void DataReader::flush()
{
    if (!mended_.empty())
        store(std::exchange(mended_, {}));
}

void DataReader::store(std::string_view octets)
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
        fault_ = spool_.size() + mended_.size() + before > rules_.message_octets ? DataFault::too_large : fault;
    spool_.clear();
    mended_.clear();
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
