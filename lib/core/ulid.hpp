#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/random.hpp"

#include <string>
#include <string_view>

namespace mgw
{

/// A ULID: 26 characters of Crockford base 32, 48 bits of milliseconds and 80 random bits. Sorts by time.
std::string make_ulid(Time time, Random& random);
bool is_ulid(std::string_view text);

} // namespace mgw
