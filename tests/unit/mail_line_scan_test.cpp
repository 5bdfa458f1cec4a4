#include "lib/mail/line_scan.hpp"

#include <gtest/gtest.h>
#include <random>
#include <string>

namespace mgw::mail
{
namespace
{

bool is_of_interest(char c)
{
    return c == '-' || c == 'b' || c == '=' || c == '(';
}

/// Lines of random lengths; one in `rarity` begins with something of interest.
std::string lines(std::size_t octets, unsigned rarity, unsigned seed)
{
    std::mt19937 random(seed);
    std::string out;
    while (out.size() < octets) {
        if (random() % rarity == 0)
            out += "-b=("[random() % 4];
        out += std::string(random() % 80, "x-"[random() % 2]).append(random() % 2 == 0 ? "\r\n" : "\n");
    }
    return out;
}

TEST(LineScan, NoLineOfInterestIsPassedOver)
{
    for (const std::size_t octets : {0U, 1U, 100U, 4000U, 5000U, 20000U}) {
        for (const unsigned rarity : {1U, 3U, 50U, 100000U}) {
            const std::string text = lines(octets, rarity, static_cast<unsigned>(octets) + rarity);
            for (std::size_t at = 0; at <= text.size(); at += 1 + at % 7) {
                std::size_t first = at + 1;
                while (first < text.size() && !(text[first - 1] == '\n' && is_of_interest(text[first])))
                    ++first;
                const std::size_t found = next_line_of_interest(text, at);
                ASSERT_LE(found, std::min(first, text.size())) << at;
                ASSERT_TRUE(found >= text.size() || (found > at && text[found - 1] == '\n')) << at;
            }
        }
    }
}

TEST(LineScan, LongMessagesAreStriddenThrough)
{
    const std::string text = lines(100000, 1000000, 1) + "\n--x\n";
    std::size_t steps = 0;
    for (std::size_t at = 0; at < text.size(); at = next_line_of_interest(text, at))
        ++steps;
    EXPECT_LE(steps, text.size() / 30);
}

} // namespace
} // namespace mgw::mail
