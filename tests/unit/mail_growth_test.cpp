#include "lib/mail/address.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/content_type.hpp"
#include "lib/mail/parts.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

Limits raised()
{
    Limits limits;
    limits.header_octets = limits.field_octets = limits.fields = limits.parts = limits.nesting = 1U << 30;
    return limits;
}

std::string repeat(std::string_view text, std::size_t count)
{
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

struct Case {
    const char* name;
    std::size_t count; ///< of the larger input
    std::function<std::string(std::size_t)> make;
    std::function<std::size_t(const std::string&)> work;
};
class Growth : public testing::TestWithParam<Case> {};

/// Four times the input may take up to ten times as long: linear work takes four, quadratic sixteen.
TEST_P(Growth, IsLinear)
{
    const auto seconds = [](std::size_t count) {
        const std::string input = GetParam().make(count);
        double best = 1e9;
        for (int i = 0; i < 3; ++i) {
            const auto begin = std::chrono::steady_clock::now();
            EXPECT_GT(GetParam().work(input), 0U);
            best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        }
        return best;
    };
    const double small = seconds(GetParam().count / 4);
    const double large = seconds(GetParam().count);
    EXPECT_LT(large, 10 * small + 0.002) << small << " s, then " << large << " s";
}

std::size_t index(const std::string& octets)
{
    const Message m(octets, raised());
    std::size_t total = 1;
    for (const auto& field : m.fields())
        total += m.value(field).size();
    return total;
}
std::size_t parts(const std::string& octets)
{
    const Message m(octets, raised());
    return Parts(m, raised()).all().size();
}

INSTANTIATE_TEST_SUITE_P(
    Inputs, Growth,
    testing::Values(
        Case{"fields", 100000, [](std::size_t n) { return repeat("A: b\r\n", n) + "\r\n"; }, index},
        Case{"header_line", 3000000, [](std::size_t n) { return "A: " + std::string(n, 'x') + "\n\n"; }, index},
        Case{"folds", 300000, [](std::size_t n) { return "A:" + repeat("\n x", n) + "\n\n"; }, index},
        Case{"siblings", 40000,
             [](std::size_t n) { return "Content-Type: multipart/mixed; boundary=b\n\n" + repeat("--b\n\nx\n", n); },
             parts},
        Case{"addresses", 30000, [](std::size_t n) { return repeat("a@b.cd, ", n); },
             [](const std::string& v) { return parse_addresses(v, v.size()).size(); }},
        Case{"open_angles", 2400000, [](std::size_t n) { return std::string(n, '<'); },
             [](const std::string& v) { return parse_addresses(v, v.size()).size() + 1; }},
        Case{"comments", 2400000, [](std::size_t n) { return std::string(n, '('); },
             [](const std::string& v) {
                 return parse_addresses(v, v.size()).size() + parse_content_type(v).parameters.size() + 1;
             }},
        Case{"parameters", 300000, [](std::size_t n) { return "a/b" + repeat("; a=b", n); },
             [](const std::string& v) { return parse_content_type(v).parameters.size(); }},
        Case{"word_starts", 20000, [](std::size_t n) { return repeat("=?a?q? ", n); },
             [](const std::string& v) { return decode_words(v, v.size()).size(); }},
        Case{"qp_blanks", 3000000, [](std::size_t n) { return "=" + std::string(n, ' '); },
             [](const std::string& v) { return qp_decode(v).size() + 1; }}),
    [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace mgw::mail
