#pragma once

#include "lib/smtp/deliver_pipe.hpp"

#include <array>
#include <chrono>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// How a started command ended.
struct StarterReport {
    int wait_status = 0;
    bool timed_out = false;
};

/// The process that starts delivery commands: it reads no mail and no octet from the network. Serves requests on
/// `socket` until the other end closes; then it ends what still runs.
void run_starter(int socket, const Commands& commands, std::chrono::seconds time_limit);

/// Asks the starter for a run of `name`. `fds`: the command's standard input, its standard output and error, and where
/// the report goes.
Result<void> request_start(int socket, const std::array<int, 3>& fds, std::string_view name, std::string_view sender,
                           std::string_view recipient);

/// Reads the report's text.
Result<StarterReport> parse_report(std::string_view text);

} // namespace mgw::smtp
