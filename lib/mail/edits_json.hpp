#pragma once

#include "lib/core/result.hpp"
#include "lib/mail/change.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// A change as one line of JSON, the form that mgw-filter(1) describes. Octets stand as text where they are valid UTF-8
/// without control characters other than tab, CR and LF, else in base64: nothing is lost.
std::string to_json(const Change& change);

/// Reads what to_json writes: one object or several behind each other, as JSON Lines or spread over lines. Members that
/// it does not know are passed over. Status::data for anything else, with the number of the object. Time and memory are
/// linear, nesting is bounded.
Result<std::vector<Change>> changes_from_json(std::string_view text);

} // namespace mgw::mail
