#include "lib/core/random.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/crc32.hpp"
#include "lib/mail/uuencode.hpp"
#include "lib/mail/yenc.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>

namespace mgw::mail
{
namespace
{

using namespace std::string_literals;

template <class Decoder> std::string whole(Decoder& decoder, std::string_view text, std::size_t piece = no_limit)
{
    std::string out;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
        decoder.feed(text.substr(0, piece), out);
    decoder.finish(out);
    return out;
}

/// As uuencode(1) writes it.
std::string uuencode(std::string_view octets, char zero = '`', bool strip = false)
{
    std::string out = "begin 640 file.bin\r\n";
    const auto digit = [&](unsigned v) { return v == 0 ? zero : static_cast<char>(v + 32); };
    for (std::size_t at = 0; at < octets.size(); at += 45) {
        const auto line = octets.substr(at, 45);
        std::string text{digit(static_cast<unsigned>(line.size()))};
        for (std::size_t i = 0; i < line.size(); i += 3) {
            const auto o = [&](std::size_t k) -> unsigned {
                return i + k < line.size() ? static_cast<unsigned char>(line[i + k]) : 0U;
            };
            const unsigned group = o(0) << 16 | o(1) << 8 | o(2);
            for (const unsigned shift : {18U, 12U, 6U, 0U})
                text += digit(group >> shift & 63U);
        }
        while (strip && text.ends_with(' '))
            text.pop_back();
        out += text + "\r\n";
    }
    return out + zero + "\r\nend\r\n";
}

TEST(Uuencode, SaysNameAndMode)
{
    UuDecoder decoder;
    EXPECT_EQ(whole(decoder, "hello\r\nbegin 0755 a file.exe \r\n#86)C\r\n`\r\nend\r\nbye\r\n"), "abc");
    ASSERT_EQ(decoder.files().size(), 1U);
    const auto& file = decoder.files()[0];
    EXPECT_EQ(file.name, "a file.exe");
    EXPECT_EQ(file.mode, 0755U);
    EXPECT_TRUE(file.complete);
    EXPECT_FALSE(file.damaged);
    EXPECT_FALSE(decoder.damaged());
}

TEST(Uuencode, ReadsAllFilesOfAText)
{
    UuDecoder decoder;
    EXPECT_EQ(whole(decoder, "begin 644 a\n#86)C\n`\nend\ntext\nbegin 644 b.txt\n#9&5F\n"), "abcdef");
    ASSERT_EQ(decoder.files().size(), 2U);
    EXPECT_EQ(decoder.files()[1].name, "b.txt");
    EXPECT_EQ(decoder.files()[1].begin, 3U);
    EXPECT_EQ(decoder.files()[1].octets, 3U);
    EXPECT_FALSE(decoder.files()[0].damaged);
    EXPECT_TRUE(decoder.files()[1].damaged); // no end
    EXPECT_TRUE(decoder.damaged());
    bool damaged = false;
    EXPECT_EQ(uu_decode("begin 644 a\n#86)C\n`\nend\nbegin 644 b\n#9&5F\n", no_limit, &damaged), "abc");
    EXPECT_FALSE(damaged); // the first one is whole
}

TEST(Uuencode, KnowsBase64)
{
    UuDecoder decoder;
    EXPECT_EQ(whole(decoder, "begin-base64 600 x\naGVs\nbG8=\n====\nafter\n"), "hello");
    ASSERT_EQ(decoder.files().size(), 1U);
    EXPECT_EQ(decoder.files()[0].mode, 0600U);
    EXPECT_TRUE(decoder.files()[0].complete);
    EXPECT_FALSE(decoder.damaged());
}

TEST(Uuencode, TellsABeginLineFromASentence)
{
    for (const char* text : {"begin the day\n#86)C\nend\n", "begin 64 x\n#86)C\nend\n", "begin 888 x\n#86)C\nend\n",
                             "begin\n#86)C\nend\n", "beginning 644 x\n#86)C\nend\n", "begin 644x\n#86)C\nend\n"}) {
        UuDecoder decoder;
        EXPECT_EQ(whole(decoder, text), "") << text;
        EXPECT_TRUE(decoder.damaged()) << text;
    }
}

TEST(Uuencode, ReadsBlanksAndGravesForZero)
{
    Random random{5};
    for (std::size_t n = 0; n < 200; n += 7) {
        std::string octets = random.octets(n);
        std::fill(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(n / 2), '\0');
        for (const char zero : {'`', ' '})
            for (const bool strip : {false, true}) {
                UuDecoder decoder;
                EXPECT_EQ(whole(decoder, uuencode(octets, zero, strip)), octets);
                EXPECT_FALSE(decoder.damaged());
            }
    }
}

TEST(Uuencode, SaysWhatIsOutsideTheAlphabet)
{
    bool damaged = false;
    uu_decode("begin 644 x\n#86lC\n`\nend\n", no_limit, &damaged);
    EXPECT_TRUE(damaged);
}

TEST(Uuencode, GivesTheSameInPieces)
{
    Random random{6};
    const std::string octets = random.octets(500);
    const std::string text = "x\n" + uuencode(octets) + std::string(3000, '-') + "\n" + uuencode("second") +
                             "begin-base64 644 z\naGVs\nbG8=\n====\nbegin 644 cut\n#86";
    for (const std::size_t limit : {std::size_t{0}, std::size_t{300}, no_limit}) {
        UuDecoder at_once(limit);
        const auto want = whole(at_once, text);
        for (std::size_t piece = 1; piece < 130; ++piece) {
            UuDecoder decoder(limit);
            ASSERT_EQ(whole(decoder, text, piece), want) << piece;
            ASSERT_EQ(decoder.files().size(), at_once.files().size());
            for (std::size_t i = 0; i < decoder.files().size(); ++i) {
                EXPECT_EQ(decoder.files()[i].octets, at_once.files()[i].octets);
                EXPECT_EQ(decoder.files()[i].damaged, at_once.files()[i].damaged) << i;
            }
        }
    }
}

TEST(Uuencode, StopsAtAThousandFiles)
{
    std::string text;
    for (int i = 0; i < 1100; ++i)
        text += "begin 644 x\n#86)C\n`\nend\n";
    UuDecoder decoder;
    EXPECT_EQ(whole(decoder, text).size(), 3000U);
    EXPECT_EQ(decoder.files().size(), 1000U);
    EXPECT_TRUE(decoder.damaged());
}

TEST(Crc32, IsTheOneOfZip)
{
    EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
    EXPECT_EQ(crc32(""), 0U);
    EXPECT_EQ(crc32("6789", crc32("12345")), 0xCBF43926U);
    const std::string octets = Random{1}.octets(1000);
    for (std::size_t i = 0; i < octets.size(); i += 13)
        EXPECT_EQ(crc32(std::string_view(octets).substr(i), crc32(std::string_view(octets).substr(0, i))),
                  crc32(octets));
}

std::string yenc(std::string_view octets, std::size_t line = 128)
{
    std::string out;
    std::size_t column = 0;
    for (const char c : octets) {
        const auto e = static_cast<char>(static_cast<unsigned char>(c) + 42);
        // '.' and blanks may be encoded, too: at a line's begin some programs do
        const bool escape = e == '\0' || e == '\n' || e == '\r' || e == '=' || (column == 0 && e == '.');
        if (escape)
            out += '=';
        out += escape ? static_cast<char>(static_cast<unsigned char>(e) + 64) : e;
        if (++column == line) {
            out += "\r\n";
            column = 0;
        }
    }
    return out + (column != 0 ? "\r\n" : "");
}
std::string one_part(std::string_view octets, std::string_view end = "")
{
    return fmt::format("=ybegin line=128 size={} name=a file.bin\r\n{}=yend size={}{}\r\n", octets.size(), yenc(octets),
                       octets.size(), end);
}

TEST(Yenc, ReadsAFile)
{
    const std::string octets = Random{9}.octets(1000);
    YencDecoder decoder;
    EXPECT_EQ(whole(decoder, "Hello,\r\n" + one_part(octets, fmt::format(" crc32={:08x}", crc32(octets))) + "bye\r\n"),
              octets);
    ASSERT_EQ(decoder.parts().size(), 1U);
    const auto& part = decoder.parts()[0];
    EXPECT_EQ(part.name, "a file.bin");
    EXPECT_EQ(part.size, 1000U);
    EXPECT_TRUE(part.complete);
    EXPECT_EQ(part.crc_right, true);
    EXPECT_FALSE(decoder.damaged());
}

TEST(Yenc, SaysWhenTheSumIsWrongOrMissing)
{
    YencDecoder wrong;
    EXPECT_EQ(whole(wrong, one_part("hello", " crc32=00000001")), "hello");
    EXPECT_EQ(wrong.parts()[0].crc_right, false);
    EXPECT_TRUE(wrong.damaged());
    YencDecoder none;
    EXPECT_EQ(whole(none, one_part("hello")), "hello");
    EXPECT_FALSE(none.parts()[0].crc_right.has_value());
    EXPECT_FALSE(none.damaged());
    YencDecoder cut(3);
    EXPECT_EQ(whole(cut, one_part("hello", fmt::format(" crc32={:x}", crc32("hello")))), "hel");
    EXPECT_FALSE(cut.parts()[0].crc_right.has_value());
    EXPECT_TRUE(cut.parts()[0].damaged);
    YencDecoder more_zeros;
    whole(more_zeros, one_part("hello", fmt::format(" crc32=000{:08X}", crc32("hello"))));
    EXPECT_EQ(more_zeros.parts()[0].crc_right, true);
}

TEST(Yenc, ListsTheParts)
{
    const std::string octets = Random{10}.octets(600);
    const auto first = std::string_view(octets).substr(0, 400), second = std::string_view(octets).substr(400);
    YencDecoder decoder;
    const auto text =
        fmt::format("=ybegin part=1 total=2 line=128 size=600 name=x\r\n=ypart begin=1 end=400\r\n{}=yend size=400 "
                    "part=1 pcrc32={:08x} crc32={:08x}\r\n\r\n"
                    "=ybegin part=2 total=2 line=128 size=600 name=x\r\n=ypart begin=401 end=600\r\n{}=yend size=200 "
                    "part=2 pcrc32={:08x}\r\n",
                    yenc(first), crc32(first), crc32(octets), yenc(second), crc32(second));
    EXPECT_EQ(whole(decoder, text), octets);
    ASSERT_EQ(decoder.parts().size(), 2U);
    EXPECT_FALSE(decoder.damaged());
    EXPECT_EQ(decoder.parts()[0].whole_crc32, crc32(octets));
    EXPECT_EQ(decoder.parts()[1].from, 400U);
    EXPECT_EQ(decoder.parts()[1].to, 600U);
    EXPECT_EQ(decoder.parts()[1].part, 2U);
    EXPECT_EQ(decoder.parts()[1].total, 2U);
    EXPECT_EQ(decoder.parts()[1].begin, 400U);
    EXPECT_EQ(decoder.parts()[1].octets, 200U);
    EXPECT_EQ(decoder.parts()[1].crc_right, true);
    bool damaged = false;
    EXPECT_EQ(yenc_decode(text, no_limit, &damaged), first);
    EXPECT_FALSE(damaged);
}

TEST(Yenc, SaysWhatIsMissing)
{
    for (const auto& text : {"=ybegin line=128 size=5 name=x\r\n"s + yenc("hello"),                     // no end
                             "=ybegin line=128 size=6 name=x\r\n" + yenc("hello") + "=yend size=6\r\n", // an octet
                             "=ybegin line=128 size=5 name=x\r\n" + yenc("hello") + "=yend size=4\r\n",
                             "=ybegin line=128 size=5 name=x\r\n" + yenc("hell") + "=\r\n=yend size=5\r\n",
                             "=ybegin line=128 size=5 name=x\r\n" + yenc("hello") + "=yonder\r\n=yend size=5\r\n"}) {
        YencDecoder decoder;
        EXPECT_EQ(whole(decoder, text).substr(0, 4), "hell");
        EXPECT_TRUE(decoder.damaged()) << text;
    }
    YencDecoder none;
    EXPECT_EQ(whole(none, "nothing\r\n"), "");
    EXPECT_TRUE(none.damaged());
}

TEST(Yenc, CostsNoMoreThanItsLength)
{
    // one line of three megabytes: would take minutes if each escape looked ahead to its end
    for (const std::string_view unit : {"ab=C", "a\r", "=", "=\r", "\r="}) {
        std::string text = "=ybegin line=128 size=5 name=x\r\n";
        while (text.size() < 3'000'000)
            text += unit;
        YencDecoder decoder;
        EXPECT_LE(whole(decoder, text).size(), text.size());
    }
}

TEST(Yenc, GivesTheSameInPieces)
{
    const std::string octets = Random{11}.octets(900) + "\x13\x13\n\r\0"s; // escapes at the end
    const std::string text = "text =y\r\n" + one_part(octets, fmt::format(" crc32={:x}", crc32(octets))) +
                             std::string(3000, 'x') +
                             "\r\n=ybegin line=128 size=9 name=cut\r\nabc=\r\n=ybegin line=1 "
                             "size=1 name=y\r\n=y\r\n=n\r\n=yend size=1\r\n=ybegin line=1";
    for (const std::size_t limit : {std::size_t{0}, std::size_t{400}, no_limit}) {
        YencDecoder at_once(limit);
        const auto want = whole(at_once, text);
        ASSERT_GE(at_once.parts().size(), 3U);
        EXPECT_EQ(at_once.parts()[0].damaged, limit != no_limit);
        for (std::size_t piece = 1; piece < 300; ++piece) {
            YencDecoder decoder(limit);
            ASSERT_EQ(whole(decoder, text, piece), want) << piece;
            ASSERT_EQ(decoder.parts().size(), at_once.parts().size());
            for (std::size_t i = 0; i < decoder.parts().size(); ++i) {
                EXPECT_EQ(decoder.parts()[i].crc_right, at_once.parts()[i].crc_right);
                EXPECT_EQ(decoder.parts()[i].damaged, at_once.parts()[i].damaged);
                EXPECT_EQ(decoder.parts()[i].octets, at_once.parts()[i].octets);
            }
        }
    }
}

} // namespace
} // namespace mgw::mail
