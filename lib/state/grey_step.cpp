#include "lib/state/grey_step.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::state
{

namespace
{

constexpr std::size_t shown_value = 200;

std::int64_t microseconds(std::chrono::seconds time)
{
    return std::chrono::microseconds(time).count();
}

} // namespace

std::int64_t to_microseconds(Time time)
{
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

Time from_microseconds(std::int64_t microseconds)
{
    return Time{} + std::chrono::microseconds(microseconds);
}

std::int64_t add_time(std::int64_t a, std::int64_t b)
{
    std::int64_t out = 0;
    return __builtin_add_overflow(a, b, &out) ? INT64_MAX : out;
}

std::int64_t GreyRecord::until(const GreyTimes& times) const
{
    return uses == 0 ? first + microseconds(times.window) : last + microseconds(times.white);
}

Grey grey_result(Grey::State state, const GreyRecord& record, const GreyTimes& times, std::int64_t now)
{
    Grey out{.state = state, .first = from_microseconds(record.first), .uses = record.uses};
    if (!out.passes())
        out.wait = std::chrono::ceil<std::chrono::seconds>(
            std::chrono::microseconds(record.first + microseconds(times.delay) - now));
    return out;
}

Grey grey_step(std::optional<GreyRecord>& record, const GreyTimes& times, std::int64_t now)
{
    auto state = Grey::State::fresh;
    if (record && record->uses > 0 && now < record->last + microseconds(times.white)) {
        state = Grey::State::known;
    } else if (record && record->uses == 0 && now < record->first + microseconds(times.window)) {
        state = now >= record->first + microseconds(times.delay) ? Grey::State::passed : Grey::State::early;
    } else {
        record = GreyRecord{.first = now, .last = now, .uses = 0};
        if (times.delay.count() == 0)
            state = Grey::State::passed;
    }
    if (state == Grey::State::known || state == Grey::State::passed) {
        ++record->uses;
        record->last = now;
    }
    return grey_result(state, *record, times, now);
}

std::string rate_text(std::int64_t stamp, std::int64_t now)
{
    return "full again in " + std::to_string((std::max<std::int64_t>(stamp - now, 0) + 999999) / 1000000) + " s";
}

std::string grey_text(const GreyRecord& record)
{
    if (record.uses == 0)
        return "waits since " + rfc3339(from_microseconds(record.first));
    return "passed " + std::to_string(record.uses) + (record.uses == 1 ? " time" : " times") + ", last " +
           rfc3339(from_microseconds(record.last));
}

std::string value_text(std::string_view value)
{
    return printable(value, shown_value);
}

} // namespace mgw::state
