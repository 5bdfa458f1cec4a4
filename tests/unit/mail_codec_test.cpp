#include "lib/core/random.hpp"
#include "lib/mail/codec.hpp"

#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

using namespace std::string_literals;
using Decoder = std::string (*)(std::string_view, std::size_t, bool*);

struct Case {
    const char* name;
    Decoder decoder;
    std::string in;
    std::string want;
    bool damaged = false;
};
class Decode : public testing::TestWithParam<Case> {};
TEST_P(Decode, WithEveryLimit)
{
    const auto& c = GetParam();
    bool damaged = false;
    EXPECT_EQ(c.decoder(c.in, static_cast<std::size_t>(-1), &damaged), c.want);
    EXPECT_EQ(damaged, c.damaged);
    for (std::size_t limit = 0; limit <= c.want.size(); ++limit) {
        damaged = false;
        EXPECT_EQ(c.decoder(c.in, limit, &damaged), c.want.substr(0, limit));
        EXPECT_EQ(damaged || c.damaged, c.damaged || limit < c.want.size()) << limit;
    }
}
INSTANTIATE_TEST_SUITE_P(
    Codecs, Decode,
    testing::Values(Case{"b_empty", base64_decode, "", ""}, Case{"b_plain", base64_decode, "aGVsbG8=\r\n", "hello"},
                    Case{"b_full", base64_decode, "aGVs\nbG8h\n", "hello!"},
                    Case{"b_blanks", base64_decode, " a G\tVs\r\n\r\nbG8h", "hello!"},
                    Case{"b_no_padding", base64_decode, "aGVsbG8", "hello", true},
                    Case{"b_one_left", base64_decode, "aGVsb", "hel", true},
                    Case{"b_garbage", base64_decode, "aG*Vs-bG8h", "hello!", true},
                    Case{"b_after_padding", base64_decode, "YQ==YQ==", "aa", true},
                    Case{"b_only_padding", base64_decode, "====", ""},
                    Case{"b_nul", base64_decode, "aG\0Vs"s, "hel", true}, Case{"q_empty", qp_decode, "", ""},
                    Case{"q_plain", qp_decode, "a=3Db=3d\r\n", "a=b=\r\n"},
                    Case{"q_soft", qp_decode, "a=\r\nb=\nc=  \nd", "abcd"}, Case{"q_cut", qp_decode, "a=", "a"},
                    Case{"q_bad", qp_decode, "a=zz=3", "a=zz=3", true},
                    Case{"q_bare_cr", qp_decode, "a=\rb", "a=\rb", true},
                    Case{"q_blanks", qp_decode, "a=  x", "a=  x", true}, Case{"q_nul", qp_decode, "=00", "\0"s},
                    Case{"u_plain", uu_decode, "begin 644 x\n#86)C\n`\nend\n", "abc"},
                    Case{"u_crlf", uu_decode, "text\r\nbegin 644 x\r\n#86)C\r\n`\r\nend\r\n", "abc"},
                    Case{"u_blank_count", uu_decode, "begin 644 x\n#86)C\n \nend\n", "abc"},
                    Case{"u_no_end", uu_decode, "begin 644 x\n#86)C\n", "abc", true},
                    Case{"u_none", uu_decode, "hello\n", "", true},
                    Case{"u_short_line", uu_decode, "begin 644 x\n#86\nend\n", "a`\0"s}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Base64, GoesBothWays)
{
    Random random{1};
    for (std::size_t n = 0; n < 200; ++n) {
        const auto octets = random.octets(n);
        for (const std::size_t line : {0U, 4U, 60U, 76U}) {
            bool damaged = false;
            const auto text = base64_encode(octets, line);
            EXPECT_EQ(base64_decode(text, static_cast<std::size_t>(-1), &damaged), octets);
            EXPECT_FALSE(damaged);
            if (line > 0 && n > 0) {
                EXPECT_TRUE(text.ends_with("\r\n"));
                EXPECT_LE(text.find("\r\n"), line);
            }
        }
    }
}

TEST(Utf8, KnowsTheCharsetsOfMail)
{
    EXPECT_EQ(to_utf8("a\x80", "iso-8859-1"), "a\xE2\x82\xAC"); // as browsers: windows-1252
    EXPECT_EQ(to_utf8("a\xE4", "us-ascii"), "a\xC3\xA4");
    EXPECT_EQ(to_utf8("\xE4\xFF", "utf-8"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(to_utf8("a", ""), "a");
    EXPECT_EQ(to_utf8("", "utf-16"), "");
    EXPECT_EQ(to_utf8("\xD6\xD0", "gb2312"), "\xE4\xB8\xAD");
    EXPECT_EQ(to_utf8(std::string(10000, '\xE4'), "latin1").size(), 20000U);
    EXPECT_EQ(to_utf8("a\xE4", std::string(100, 'x')), "a\xEF\xBF\xBD");
}

} // namespace
} // namespace mgw::mail
