#pragma once

#include "lib/core/command.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/edits.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace mgw::filter
{

struct EachLimits {
    std::chrono::milliseconds time{30'000};
    std::size_t output_octets = 50U << 20;
};

/// What a program made of a message.
struct EachAnswer {
    int status = 0;     ///< its exit status: 0, 75 or 77
    std::string output; ///< standard output
    std::string reason; ///< the first line it wrote to standard error, "" without one
};

/// Gives `message` to `command` on standard input and reads what it prints. No shell. Status::temp_fail when it cannot
/// be started, is killed, ends with another status, prints nothing, or passes a limit (then it is
/// killed with all that it started).
Result<EachAnswer> run_each(const Arguments& command, std::string_view message, const EachLimits& limits);

/// The one splice that turns `before` into `after`: without their common beginning and end.
void splice_difference(std::string_view before, std::string_view after, mail::Edits& edits);

} // namespace mgw::filter
