#include "lib/core/random.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/decoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mgw::mail
{
namespace
{

using namespace std::string_literals;
using Decode = std::string (*)(std::string_view, std::size_t, bool*);

struct Case {
    const char* name;
    Decode decode;
    std::string in;
    std::string want;
    bool damaged = false;
};
class Decoders : public testing::TestWithParam<Case> {};
TEST_P(Decoders, WithEveryLimit)
{
    const auto& c = GetParam();
    bool damaged = false;
    EXPECT_EQ(c.decode(c.in, no_limit, &damaged), c.want);
    EXPECT_EQ(damaged, c.damaged);
    for (std::size_t limit = 0; limit <= c.want.size(); ++limit) {
        damaged = false;
        EXPECT_EQ(c.decode(c.in, limit, &damaged), c.want.substr(0, limit));
        EXPECT_EQ(damaged || c.damaged, c.damaged || limit < c.want.size()) << limit;
    }
}
INSTANTIATE_TEST_SUITE_P(
    Codecs, Decoders,
    testing::Values(
        Case{"b_empty", base64_decode, "", ""}, Case{"b_plain", base64_decode, "aGVsbG8=\r\n", "hello"},
        Case{"b_full", base64_decode, "aGVs\nbG8h\n", "hello!"},
        Case{"b_blanks", base64_decode, " a G\tVs\r\n\r\nbG8h", "hello!"},
        Case{"b_no_padding", base64_decode, "aGVsbG8", "hello", true},
        Case{"b_one_left", base64_decode, "aGVsb", "hel", true},
        Case{"b_garbage", base64_decode, "aG*Vs-bG8h", "hello!", true},
        Case{"b_after_padding", base64_decode, "YQ==YQ==", "aa", true},
        Case{"b_group_after_padding", base64_decode, "YQ==aGVs", "ahel", true},
        Case{"b_line_after_padding", base64_decode, "YQ==\r\naGVs\r\n", "ahel", true},
        Case{"b_padding_in_group", base64_decode, "aGV=s", "he", true},
        Case{"b_only_padding", base64_decode, "====", ""}, Case{"b_nul", base64_decode, "aG\0Vs"s, "hel", true},
        Case{"b_pipe", base64_decode, "aG|VsbG8=", "hello", true},
        Case{"b_high", base64_decode, "aG\xFFVs\x80", "hel", true}, Case{"b_url", base64_decode, "-_-_", "", true},
        Case{"b_cr_only", base64_decode, "aG\rVs\rbG8h", "hello!"},
        Case{"b_space_lines", base64_decode, "aGVs \r\n bG8h", "hello!"}, Case{"q_empty", qp_decode, "", ""},
        Case{"q_plain", qp_decode, "a=3Db=3d\r\n", "a=b=\r\n"}, Case{"q_soft", qp_decode, "a=\r\nb=\nc=  \nd", "abcd"},
        Case{"q_cut", qp_decode, "a=", "a"}, Case{"q_cut_blanks", qp_decode, "a= \t", "a"},
        Case{"q_cut_cr", qp_decode, "a=\r", "a=\r", true}, Case{"q_cut_digit", qp_decode, "a=4", "a=4", true},
        Case{"q_bad", qp_decode, "a=zz=3", "a=zz=3", true}, Case{"q_bare_cr", qp_decode, "a=\rb", "a=\rb", true},
        Case{"q_blanks", qp_decode, "a=  x", "a=  x", true}, Case{"q_nul", qp_decode, "=00", "\0"s},
        Case{"q_twice", qp_decode, "==41", "=A", true}, Case{"q_twice_soft", qp_decode, "==\r\nx", "=x", true},
        Case{"q_digit_then_equals", qp_decode, "=4=41", "=4A", true},
        Case{"q_trailing_blanks_stay", qp_decode, "a \r\nb", "a \r\nb"},
        Case{"q_control", qp_decode, "\x01\x80=FF", "\x01\x80\xFF"},
        Case{"q_longest_blanks", qp_decode, "=" + std::string(998, ' ') + "\nx", "x"},
        Case{"q_too_many_blanks", qp_decode, "=" + std::string(999, ' ') + "\n", "=" + std::string(999, ' ') + "\n",
             true},
        Case{"u_plain", uu_decode, "begin 644 x\n#86)C\n`\nend\n", "abc"},
        Case{"u_crlf", uu_decode, "text\r\nbegin 644 x\r\n#86)C\r\n`\r\nend\r\n", "abc"},
        Case{"u_blank_count", uu_decode, "begin 644 x\n#86)C\n \nend\n", "abc"},
        Case{"u_no_end", uu_decode, "begin 644 x\n#86)C\n", "abc", true},
        Case{"u_none", uu_decode, "hello\n", "", true},
        Case{"u_short_line", uu_decode, "begin 644 x\n#86\nend\n", "a`\0"s}),
    [](const auto& info) { return std::string(info.param.name); });

/// RFC 2045 section 6.8 a character at a time: what the fast ways must agree with.
struct Read {
    std::string octets;
    bool damaged = false;
};
Read slow_base64(std::string_view text)
{
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    Read out;
    std::uint64_t bits = 0;
    unsigned have = 0;
    bool padded = false;
    const auto put = [&] {
        for (unsigned n = have * 6; n >= 8; n -= 8)
            out.octets += static_cast<char>(bits >> (n - 8));
        have = 0;
        bits = 0;
    };
    for (const char c : text) {
        if (const auto v = alphabet.find(c); v != std::string_view::npos) {
            out.damaged = out.damaged || padded;
            padded = false;
            bits = bits << 6 | v;
            if (++have == 4)
                put();
        } else if (c == '=') {
            put();
            padded = true;
        } else if (!" \t\r\n"s.contains(c)) {
            out.damaged = true;
        }
    }
    out.damaged = out.damaged || have != 0;
    put();
    return out;
}

/// Base64 with some of what mail programs and attackers put into it.
std::string damaged_base64(Random& random, std::size_t octets, unsigned disorder)
{
    static constexpr std::string_view junk[] = {"\n", "\r\n", "\r", " ",    "=", "==", "\r\n\r\n",
                                                "*",  "\0",   "-",  "\xFF", "|", "A",  "\t"};
    const auto dice = [&](std::size_t sides) {
        return sides == 0 ? 0
                          : (static_cast<unsigned char>(random.octets(1)[0]) * 256U +
                             static_cast<unsigned char>(random.octets(1)[0])) %
                                sides;
    };
    std::string text =
        base64_encode(random.octets(octets), dice(3) == 0 ? 0 : 4 + dice(80), dice(2) == 0 ? "\r\n" : "\n");
    for (unsigned i = 0; i < disorder; ++i) {
        const std::size_t at = dice(text.size() + 1);
        if (dice(4) == 0)
            text.erase(at, 1 + dice(5));
        else
            text.insert(at, junk[dice(std::size(junk))]);
    }
    return text;
}

TEST(Base64, ReadsDamagedTextsAsTheSlowWayDoes)
{
    Random random{7};
    for (unsigned i = 0; i < 4000; ++i) {
        const auto text = damaged_base64(random, i % 700, i % 9);
        const auto want = slow_base64(text);
        bool damaged = false;
        ASSERT_EQ(base64_decode(text, no_limit, &damaged), want.octets) << text;
        ASSERT_EQ(damaged, want.damaged) << text;
        const std::size_t limit = want.octets.size() / 3 * (i % 4);
        damaged = false;
        ASSERT_EQ(base64_decode(text, limit, &damaged), want.octets.substr(0, limit));
        if (limit != want.octets.size()) { // else what follows may or may not have been an octet more
            ASSERT_EQ(damaged || want.damaged, limit < want.octets.size() || want.damaged) << text << limit;
        }
    }
}

TEST(Base64, ReadsEveryOctetAtEveryPlaceOfALine)
{
    const std::string line = base64_encode(std::string(160, '\x5A'), 0);
    for (std::size_t at = 0; at < 140; ++at)
        for (int c = 0; c < 256; ++c) {
            std::string text = line;
            text[at] = static_cast<char>(c);
            const auto want = slow_base64(text);
            bool damaged = false;
            ASSERT_EQ(base64_decode(text, no_limit, &damaged), want.octets) << at << ' ' << c;
            ASSERT_EQ(damaged, want.damaged) << at << ' ' << c;
        }
}

TEST(Base64, GoesBothWays)
{
    Random random{1};
    for (std::size_t n = 0; n < 200; ++n) {
        const auto octets = random.octets(n);
        for (const std::size_t line : {0U, 1U, 4U, 7U, 60U, 76U}) {
            bool damaged = false;
            const auto text = base64_encode(octets, line);
            EXPECT_EQ(base64_decode(text, no_limit, &damaged), octets);
            EXPECT_FALSE(damaged);
            EXPECT_TRUE(line == 0 || n == 0 || text.ends_with("\r\n"));
            if (line > 0 && n > 0) {
                EXPECT_LE(text.find("\r\n"), std::max(line, std::size_t{4}));
            }
        }
    }
    EXPECT_EQ(base64_encode("Man"), "TWFu\r\n");
    EXPECT_EQ(base64_encode("Ma", 0), "TWE=");
    EXPECT_EQ(base64_encode("M", 0), "TQ==");
    EXPECT_EQ(base64_encode("", 76), "");
    EXPECT_EQ(base64_encode("ManMan", 4, "\n"), "TWFu\nTWFu\n");
}

/// The text in pieces of up to `most` octets: what comes out, and the most that came out at once.
template <class Decoder> Read in_pieces(std::string_view text, std::size_t limit, std::size_t most, Random& random)
{
    Decoder decoder(limit);
    Read out;
    while (!text.empty()) {
        const std::size_t n =
            std::min<std::size_t>(text.size(), static_cast<unsigned char>(random.octets(1)[0]) % most + 1);
        std::string piece;
        decoder.feed(text.substr(0, n), piece);
        EXPECT_LE(piece.size(), n + 1100); // an undecided line may come out with it
        out.octets += piece;
        text.remove_prefix(n);
    }
    decoder.finish(out.octets);
    out.damaged = decoder.damaged();
    return out;
}

TEST(Pieces, OfBase64GiveTheSame)
{
    Random random{2};
    for (unsigned i = 0; i < 2000; ++i) {
        const auto text = damaged_base64(random, i % 500, i % 7);
        const std::size_t limit = i % 3 == 0 ? i % 300 : no_limit;
        bool damaged = false;
        const auto want = base64_decode(text, limit, &damaged);
        const auto got = in_pieces<Base64Decoder>(text, limit, i % 2 == 0 ? 3 : 200, random);
        ASSERT_EQ(got.octets, want) << text;
        ASSERT_EQ(got.damaged, damaged) << text;
    }
}

TEST(Pieces, OfQuotedPrintableGiveTheSame)
{
    Random random{3};
    static constexpr std::string_view bits[] = {"=", "=41",       "=\r\n",  "= \n", "=4", "\r",  "\n",
                                                " ", "text and ", "=C3=BC", "=zz",  "\t", "=\r", "\0"};
    for (unsigned i = 0; i < 3000; ++i) {
        std::string text;
        for (const char c : random.octets(i % 60))
            text += bits[static_cast<unsigned char>(c) % std::size(bits)];
        if (i % 50 == 0)
            text += "=" + std::string(990 + i % 20, ' ') + (i % 3 == 0 ? "\n" : "x");
        const std::size_t limit = i % 3 == 0 ? i % 90 : no_limit;
        bool damaged = false;
        const auto want = qp_decode(text, limit, &damaged);
        const auto got = in_pieces<QuotedPrintableDecoder>(text, limit, i % 2 == 0 ? 2 : 40, random);
        ASSERT_EQ(got.octets, want) << text;
        ASSERT_EQ(got.damaged, damaged) << text;
    }
}

TEST(Pieces, NeverHoldMoreThanTheLimit)
{
    const auto text = base64_encode(std::string(1U << 20, 'x'));
    for (const std::size_t limit : {0U, 1U, 100U, 65536U}) {
        std::string out;
        Base64Decoder decoder(limit);
        for (std::size_t at = 0; at < text.size(); at += 10'000)
            decoder.feed(std::string_view(text).substr(at, 10'000), out);
        decoder.finish(out);
        EXPECT_EQ(out.size(), limit);
        EXPECT_LE(out.capacity(), 2 * limit + 8192);
        EXPECT_EQ(decoder.room(), 0U);
        EXPECT_TRUE(decoder.damaged());
        EXPECT_LE(base64_decode(text, limit).capacity(), limit + 64);
    }
}

} // namespace
} // namespace mgw::mail
