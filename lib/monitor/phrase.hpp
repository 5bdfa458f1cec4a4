#pragma once

#include "lib/monitor/event.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::monitor
{

/// What a record says, in a line for a postmaster, safe for a terminal.
std::string phrase(const Event& event);

/// The record of mgw-recv tells two steps: this is how the message came in.
std::string arrival(const Event& event);

/// Whether the record is that of a message that mgw-recv received.
bool is_arrival(const Event& event);

/// Whether the record is that of a command of a client that mgw-recv refused.
bool is_refusal(const Event& event);

/// RFC 3339 time of a record, earlier by `ms`; the text as it is when it is no time.
std::string earlier(std::string_view time, double ms);

} // namespace mgw::monitor
