#include "lib/core/clock.hpp"

#include "lib/core/text.hpp"

#include <cstdlib>
#include <ctime>
#include <fmt/core.h>

namespace mgw
{

Clock Clock::from_environment()
{
    const char* text = std::getenv("SOURCE_DATE_EPOCH");
    if (text == nullptr)
        return {};
    const auto seconds = parse_number(text);
    if (!seconds || *seconds > 253402300799ULL) // the year 9999
        return {};
    return Clock{Time{std::chrono::seconds{*seconds}}};
}

namespace
{

std::tm utc(Time time)
{
    const auto seconds = static_cast<std::time_t>(unix_seconds(time));
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return parts;
}

} // namespace

std::string rfc3339(Time time)
{
    const std::tm t = utc(time);
    const auto us = std::chrono::floor<std::chrono::microseconds>(time).time_since_epoch().count() % 1'000'000;
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                       t.tm_hour, t.tm_min, t.tm_sec, us);
}

std::string rfc5322_date(Time time)
{
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::tm t = utc(time);
    return fmt::format("{}, {} {} {:04} {:02}:{:02}:{:02} +0000", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
                       t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::int64_t unix_seconds(Time time)
{
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

double boot_seconds()
{
    timespec t{};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

Result<std::chrono::seconds> parse_duration(std::string_view text)
{
    const auto bad =
        fail(Status::usage, "no duration: " + printable(text, 40), "write a number and s, m, h or d: 90s, 4h");
    if (text.empty())
        return bad;
    std::uint64_t unit = 1;
    switch (text.back()) {
    case 'd':
        unit = 86400;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'm':
        unit = 60;
        break;
    default:
        break;
    }
    if (unit > 1 || text.back() == 's')
        text.remove_suffix(1);
    constexpr std::uint64_t most = 10ULL * 366 * 86400;
    const auto number = parse_number(text);
    if (!number || *number > most / unit)
        return bad;
    return std::chrono::seconds(*number * unit);
}

} // namespace mgw
