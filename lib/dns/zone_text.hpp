#pragma once

#include "lib/dns/resolver.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::dns
{

/// One entry of a zone file: a record, or how look-ups of a name end.
struct ZoneEntry {
    enum class Kind : char { record, outcome, secure, other };
    std::string owner; ///< without final dot, as it was spelt
    Kind kind = Kind::record;
    std::optional<Type> type; ///< nothing: every type
    Code code = Code::ok;     ///< of an outcome
    Data data;
    std::uint32_t ttl_seconds = 0;
};

/// Reads a zone file (RFC 1035 section 5.1; no $INCLUDE). Names without final dot are relative to $ORIGIN, to the root
/// if there is none. Quoted strings may be longer than 255 octets. Beside records:
///     NAME SERVFAIL|TIMEOUT|NODATA|NXDOMAIN [TYPE]    how look-ups end, where there is no record of the type
///     NAME SECURE [TYPE]                              such answers are validated
/// Records of types that no tool asks for only make their name exist (Kind::other). Status::config with `name` and
/// line.
Result<std::vector<ZoneEntry>> parse_entries(std::string_view text, std::string_view name);

/// The lines that make parse_entries() give `answer` for this question; none for a name that cannot be asked for.
std::string zone_lines(std::string_view name, Type type, const Answer& answer);

} // namespace mgw::dns
