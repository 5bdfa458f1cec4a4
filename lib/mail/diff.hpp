#pragma once

#include "lib/core/limits.hpp"
#include "lib/mail/change.hpp"

#include <string_view>

namespace mgw::mail
{

/// What turns `before` into `after`, explained: whole header fields, then lines of the body, of which only the octets
/// that differ count. replay() of it gives `after`, replay() of its reverse `before`, octet for octet, whatever the two
/// are. Time n log n with a fixed bound on what repeated lines cost; where that is used up a step may be larger than it
/// needs to be.
Change diff(std::string_view before, std::string_view after, const Limits& limits = {});

/// "LF became CRLF" when the two differ in nothing but line ends; empty otherwise.
std::string_view line_ends_changed(std::string_view before, std::string_view after);

} // namespace mgw::mail
