#include "lib/core/random.hpp"
#include "lib/mail/date.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <chrono>

namespace mgw::mail
{
namespace
{

struct Case {
    const char* name;
    std::string in;
    std::int64_t seconds;
    int offset_minutes = 0;
    bool strict = false;
};
class Dates : public testing::TestWithParam<Case> {};
TEST_P(Dates, AreRead)
{
    const auto date = parse_date(GetParam().in);
    ASSERT_TRUE(date) << GetParam().in;
    EXPECT_EQ(date->seconds, GetParam().seconds) << GetParam().in;
    EXPECT_EQ(date->offset_minutes, GetParam().offset_minutes) << GetParam().in;
    EXPECT_EQ(date->strict, GetParam().strict) << GetParam().in;
}

constexpr std::int64_t at = 1795499255; // Tue, 24 Nov 2026 05:47:35 +0000
constexpr std::int64_t day = 1795478400;
constexpr std::int64_t hour = 3600;
INSTANTIATE_TEST_SUITE_P(
    Fields, Dates,
    testing::Values(
        Case{"plain", "Tue, 24 Nov 2026 05:47:35 +0000", at, 0, true},
        Case{"east", "Tue, 24 Nov 2026 05:47:35 +0530", at - 330 * 60, 330, true},
        Case{"west", "Tue, 24 Nov 2026 05:47:35 -0800", at + 8 * hour, -480, true},
        Case{"no_weekday", "24 Nov 2026 05:47:35 +0000", at, 0, true},
        Case{"no_seconds", "Tue, 24 Nov 2026 05:47 +0000", at - 35, 0, true},
        Case{"zone_comment", "Tue, 24 Nov 2026 05:47:35 +0000 (UTC (x \\) y))", at, 0, true},
        Case{"folded", " Tue,\r\n 24 Nov 2026\r\n\t05:47:35 +0000", at, 0, true},
        Case{"leap_second", "Tue, 24 Nov 2026 23:59:60 +0000", day + 24 * hour, 0, true},
        Case{"leap_day", "Thu, 29 Feb 2024 00:00:00 +0000", 1709164800, 0, true},
        Case{"before_1970", "Wed, 31 Dec 1969 23:59:59 +0000", -1, 0, true},
        Case{"nineteen_hundred", "Mon, 1 Jan 1900 00:00:00 +0000", -2208988800, 0, true},
        Case{"too_old_for_mail", "Sat, 01 Jan 1000 00:00:00 +0000", -30610224000},
        Case{"wrong_weekday", "Wed, 24 Nov 2026 05:47:35 +0000", at},
        Case{"comments_inside", "Tue (x), 24 (y) Nov 2026 05:47:35 +0000", at},
        Case{"comment_glued", "Tue, 24 Nov(x)2026 05:47:35 +0000", at},
        Case{"gmt", "Tue, 24 Nov 2026 05:47:35 GMT", at}, Case{"z", "Tue, 24 Nov 2026 05:47:35 Z", at},
        Case{"est", "Tue, 24 Nov 2026 05:47:35 EST", at + 5 * hour, -300},
        Case{"pdt", "Tue, 24 Nov 2026 05:47:35 PDT", at + 7 * hour, -420},
        Case{"military", "Tue, 24 Nov 2026 05:47:35 A", at}, Case{"unknown_zone", "Tue, 24 Nov 2026 05:47:35 XYZ", at},
        Case{"no_zone", "Tue, 24 Nov 2026 05:47:35", at},
        Case{"impossible_zone", "Tue, 24 Nov 2026 05:47:35 +9999", at},
        Case{"colon_zone", "Tue, 24 Nov 2026 05:47:35 +01:00", at - hour, 60},
        Case{"gmt_plus", "Tue, 24 Nov 2026 05:47:35 GMT+0100", at - hour, 60},
        Case{"zone_without_sign", "Tue, 24 Nov 2026 05:47:35 0100", at - hour, 60},
        Case{"short_zone", "Tue, 24 Nov 2026 05:47:35 +1", at - hour, 60},
        Case{"two_digits", "Tue, 24 Nov 26 05:47:35 +0000", at},
        Case{"two_digits_old", "Wed, 24 Nov 99 05:47:35 +0000", 943422455},
        Case{"two_digits_border", "Thu, 24 Nov 49 05:47:35 +0000", 2521345655},
        Case{"three_digits", "Tue, 24 Nov 126 05:47:35 +0000", at},
        Case{"one_digit_time", "Tue, 24 Nov 2026 5:47:35 +0000", at}, Case{"asctime", "Tue Nov 24 05:47:35 2026", at},
        Case{"asctime_blank", "Wed Nov  4 05:47:35 2026", at - 20 * 24 * hour},
        Case{"date_command", "Tue Nov 24 05:47:35 CET 2026", at - hour, 60},
        Case{"asctime_zone", "Tue Nov 24 05:47:35 2026 +0100", at - hour, 60},
        Case{"rfc850", "Tuesday, 24-Nov-26 05:47:35 GMT", at}, Case{"cookie", "Tue, 24-Nov-2026 05:47:35 GMT", at},
        Case{"iso", "2026-11-24T05:47:35Z", at}, Case{"iso_zone", "2026-11-24T05:47:35+01:00", at - hour, 60},
        Case{"iso_blank", "2026-11-24 05:47:35.123 -0500", at + 5 * hour, -300}, Case{"iso_day", "2026-11-24", day},
        Case{"american", "November 24, 2026 05:47:35 PM", at + 12 * hour},
        Case{"midnight", "24 Nov 2026 12:00:00 AM", day}, Case{"noon", "24 Nov 2026 12:00 PM", day + 12 * hour},
        Case{"only_a_day", "24 Nov 2026", day}, Case{"ordinal", "24th of November 2026 at 05:47:35", at},
        Case{"sept", "24 Sept 2026 00:00 +0000", day - 61 * 24 * hour},
        Case{"lower_case", "tue, 24 nov 2026 05:47:35 +0000", at, 0, true},
        Case{"no_blank_after_comma", "Tue,24 Nov 2026 05:47:35 +0000", at, 0, true}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Date, IsNothingWhereThereIsNoSuchDay)
{
    for (const char* text : {"",
                             "hello",
                             "Tue",
                             "Tue, 31 Feb 2026 05:47:35 +0000",
                             "Tue, 24 Foo 2026 05:47:35 +0000",
                             "Tue, 24 Nov 2026 25:47:35 +0000",
                             "Tue, 24 Nov 2026 05:60:35 +0000",
                             "Tue, 24 Nov 2026 05:47:61 +0000",
                             "24 Nov",
                             "05:47:35",
                             "(24 Nov 2026)",
                             "29 Feb 2023 00:00 +0000",
                             "0 Nov 2026",
                             "2026-13-01",
                             "13:00 PM 24 Nov 2026",
                             "99999999999999999999",
                             "24 Nov 99999",
                             "24/11/2026",
                             "+",
                             "-",
                             ":",
                             "24 Nov 2026 0:0:0 PM",
                             "24-Nov",
                             "24-"})
        EXPECT_FALSE(parse_date(text)) << text;
    EXPECT_FALSE(parse_date(std::string(300, '1')));
    EXPECT_TRUE(parse_date("24 Nov 2026 (" + std::string(10000, 'x') + ")"));
}

/// Values to the letter are read by mimetic; with a comment inside the same value is read here. Both must agree, and
/// with the calendar.
TEST(Date, IsTheSameForMimeticAndForUs)
{
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    Random random{4};
    for (int i = 0; i < 3000; ++i) {
        const auto bits = random.octets(8);
        std::uint64_t number = 0;
        for (const char c : bits)
            number = number << 8 | static_cast<unsigned char>(c);
        const auto seconds = static_cast<std::int64_t>(number % 6'000'000'000ULL) - 2'000'000'000;
        const int offset = static_cast<int>(number >> 40) % 840;
        const std::chrono::sys_seconds local{std::chrono::seconds{seconds + offset * 60}};
        const auto date = std::chrono::floor<std::chrono::days>(local);
        const std::chrono::year_month_day ymd{date};
        const std::chrono::hh_mm_ss time{local - date};
        const auto text = [&](const char* between) {
            return fmt::format("{}, {} {} {}{} {:02}:{:02}:{:02} {}{:02}{:02}",
                               days[std::chrono::weekday{date}.c_encoding()], static_cast<unsigned>(ymd.day()),
                               months[static_cast<unsigned>(ymd.month()) - 1], between, static_cast<int>(ymd.year()),
                               time.hours().count(), time.minutes().count(), time.seconds().count(),
                               offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
        };
        for (const char* between : {"", "(x) "}) {
            const auto got = parse_date(text(between));
            ASSERT_TRUE(got) << text(between);
            ASSERT_EQ(got->seconds, seconds) << text(between);
            ASSERT_EQ(got->offset_minutes, offset) << text(between);
            ASSERT_EQ(got->strict, *between == '\0');
        }
    }
}

} // namespace
} // namespace mgw::mail
