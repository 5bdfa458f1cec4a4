#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mgw::mail
{

/// A point in time as a field states it.
struct DateTime {
    std::int64_t seconds = 0; ///< since 1970-01-01 00:00:00 UTC, without leap seconds
    int offset_minutes = 0;   ///< of the sender's clock, east of Greenwich positive
    bool strict = false;      ///< RFC 5322 section 3.3 to the letter, the day of the week included
};

/// A date as in a Date field, folded or not (RFC 5322 sections 3.3 and 4.3), and as found in the wild: years of two
/// digits, no seconds, no day of the week or a wrong one, names of zones, comments anywhere, the order of asctime(3)
/// and date(1), RFC 850, ISO 8601. Without a zone, or with one of no known meaning, UTC. Nothing where day, month or
/// year are missing or there is no such day or time. Of a Received field, give what stands after its last ';'.
std::optional<DateTime> parse_date(std::string_view value);

} // namespace mgw::mail
