#pragma once

#include "lib/core/result.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mgw
{

using Time = std::chrono::system_clock::time_point;

/// The time, or the one instant that SOURCE_DATE_EPOCH (seconds since 1970) fixes for reproducible runs.
class Clock {
public:
    Clock() = default;
    explicit Clock(Time fixed) : fixed_(fixed) {}
    static Clock from_environment();

    Time now() const { return fixed_ ? *fixed_ : std::chrono::system_clock::now(); }
    bool is_fixed() const { return fixed_.has_value(); }

private:
    std::optional<Time> fixed_;
};

/// RFC 3339 in UTC with microseconds: 2026-11-24T05:47:35.123456Z
std::string rfc3339(Time time);
/// RFC 5322 section 3.3 in UTC: Tue, 24 Nov 2026 05:47:35 +0000
std::string rfc5322_date(Time time);
/// Seconds since 1970.
std::int64_t unix_seconds(Time time);
/// The boot clock (CLOCK_BOOTTIME), seconds with a fraction: what Mgw-Deadline counts in.
double boot_seconds();

/// "90", "90s", "5m", "4h", "5d". Status::usage otherwise, or above ten years.
Result<std::chrono::seconds> parse_duration(std::string_view text);

} // namespace mgw
