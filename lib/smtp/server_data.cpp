#include "lib/smtp/server_data.hpp"

namespace mgw::smtp
{

bool DataReader::feed(std::string_view& octets)
{
    const auto begin = octets.size();
    bool ended = false;
    while (!octets.empty() && !ended) {
        const char c = octets.front();
        switch (state_) {
        case State::line_start:
            if (c == '.') {
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
            if (c == '\n') {
                octets.remove_prefix(1);
                ended = true;
            } else {
                state_ = State::cr; // the CR was not the end of a line
                emit("\r");
            }
            break;
        case State::cr: // a CR went out; what follows says whether it stood alone
            if (c == '\n') {
                octets.remove_prefix(1);
                emit("\n");
                state_ = State::line_start;
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
    seen_ += begin - octets.size();
    if (ended)
        state_ = State::line_start;
    return ended;
}

/// Takes as many whole lines as can be taken without looking at their first octet, the common case, in one piece.
void DataReader::take_text(std::string_view& octets)
{
    std::size_t end = 0;
    for (;;) {
        const auto cr = octets.find('\r', end);
        const auto line = octets.substr(end, cr == std::string_view::npos ? cr : cr - end);
        if (line.contains('\n'))
            fail(DataFault::bare_cr_or_lf);
        if (cr == std::string_view::npos) {
            end = octets.size();
            break;
        }
        end = cr + 1;
        if (end == octets.size()) {
            state_ = State::cr;
            break;
        }
        if (octets[end] != '\n') {
            fail(DataFault::bare_cr_or_lf);
            continue;
        }
        ++end;
        if (end == octets.size() || octets[end] == '.') {
            state_ = State::line_start;
            break;
        }
    }
    emit(octets.substr(0, end));
    octets.remove_prefix(end);
}

void DataReader::emit(std::string_view octets)
{
    if (fault_ != DataFault::none)
        return;
    if (spool_.size() + octets.size() > limit_octets_)
        fail(DataFault::too_large);
    else if (!spool_.append(octets))
        fail(DataFault::no_memory);
}

void DataReader::fail(DataFault fault)
{
    // what is refused anyway should not hold memory; the first reason is the one to tell
    if (fault_ == DataFault::none)
        fault_ = fault;
    spool_.clear();
}

} // namespace mgw::smtp
