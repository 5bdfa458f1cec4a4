#pragma once

#include "lib/state/store.hpp"

namespace mgw::state
{

/// A greylist entry as stores keep it; times in microseconds since 1970.
struct GreyRecord {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::uint64_t uses = 0; ///< 0: has not passed yet

    /// When the entry ends.
    std::int64_t until(const GreyTimes& times) const;
};

/// One contact: changes `record` (nothing: the key is not known) and tells how it stands. The Redis script does the
/// same.
Grey grey_step(std::optional<GreyRecord>& record, const GreyTimes& times, std::int64_t now);

/// What the caller sees of a record and the state that a contact had.
Grey grey_result(Grey::State state, const GreyRecord& record, const GreyTimes& times, std::int64_t now);

/// Texts for list.
std::string rate_text(std::int64_t stamp, std::int64_t now);
std::string grey_text(const GreyRecord& record);
std::string value_text(std::string_view value);

std::int64_t to_microseconds(Time time);
Time from_microseconds(std::int64_t microseconds);
/// Without overflow, for times to live that foreign configurations make long.
std::int64_t add_time(std::int64_t a, std::int64_t b);

} // namespace mgw::state
