#pragma once

#include <string>

namespace mgw::auth::spf
{

class Guard;

/// Lets libspf2 evaluate: client address of 4 or 16 octets, the name it shall first ask the guard for. Returns pass,
/// fail, softfail or neutral; empty when the library has no such result (an error, or the guard stopped it).
std::string evaluate_with_library(Guard& guard, const std::string& client, const std::string& first_name);

} // namespace mgw::auth::spf
