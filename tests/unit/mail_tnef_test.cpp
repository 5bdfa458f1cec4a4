#include "lib/mail/tnef.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mgw::mail
{
namespace
{

using namespace std::string_literals;

std::string le(std::uint64_t value, int octets)
{
    std::string out;
    for (int i = 0; i < octets; ++i)
        out += static_cast<char>(value >> (8 * i));
    return out;
}
std::string padded(std::string octets)
{
    octets.resize((octets.size() + 3) / 4 * 4);
    return octets;
}
std::string wide(std::string_view ascii)
{
    std::string out;
    for (const char c : ascii)
        out.append(1, c).append(1, '\0');
    return out;
}

std::string attribute(char level, std::uint32_t id, const std::string& octets)
{
    std::uint32_t sum = 0;
    for (const char c : octets)
        sum += static_cast<unsigned char>(c);
    return std::string(1, level) + le(id, 4) + le(octets.size(), 4) + octets + le(sum & 0xFFFF, 2);
}
/// A MAPI property of variable size with one value.
std::string property(unsigned type, unsigned id, const std::string& octets)
{
    return le(type, 2) + le(id, 2) + le(1, 4) + le(octets.size(), 4) + padded(octets);
}
std::string properties(const std::vector<std::string>& all)
{
    std::string out = le(all.size(), 4);
    for (const auto& one : all)
        out += one;
    return out;
}
std::string stream(const std::string& attributes)
{
    return "\x78\x9f\x3e\x22\x01\x00"s + attributes;
}
const std::string begins = attribute(2, 0x00069002, std::string(14, '\0'));
std::string title(const std::string& name)
{
    return attribute(2, 0x00018010, name + '\0');
}
std::string data(const std::string& octets)
{
    return attribute(2, 0x0006800F, octets);
}
std::string with(const std::vector<std::string>& some)
{
    return attribute(2, 0x00069005, properties(some));
}
constexpr unsigned string8 = 0x1E, unicode = 0x1F, binary = 0x102, object = 0x0D;

TEST(Tnef, ListsAttachments)
{
    const auto octets = stream(
        attribute(1, 0x00089006, le(0x10000, 4)) + begins + title("SHORT~1.EXE") + data("MZ...") +
        with({property(unicode, 0x3707, wide("a long name.exe") + "\0\0"s), property(string8, 0x370E, "text/plain\0"s),
              le(0x0003, 2) + le(0x3705, 2) + le(1, 4), property(string8, 0x3712, "id@x\0"s)}) +
        begins + title("second.txt") + data("hello"));
    const auto tnef = read_tnef(octets);
    ASSERT_EQ(tnef.attachments.size(), 2U);
    EXPECT_EQ(tnef.attachments[0].names, (std::vector{"a long name.exe"s, "SHORT~1.EXE"s}));
    EXPECT_EQ(tnef.attachments[0].octets, "MZ...");
    EXPECT_EQ(tnef.attachments[0].type, "text/plain");
    EXPECT_EQ(tnef.attachments[0].content_id, "id@x");
    EXPECT_EQ(tnef.attachments[1].names, std::vector{"second.txt"s});
    EXPECT_EQ(tnef.attachments[1].octets, "hello");
    EXPECT_FALSE(tnef.damaged);
    EXPECT_FALSE(tnef.cut);
    EXPECT_FALSE(tnef.has_rtf);
}

TEST(Tnef, SaysWhichBodiesThereAre)
{
    const auto tnef = read_tnef(
        stream(attribute(1, 0x0002800C, "hello") +
               attribute(1, 0x00069003, properties({property(binary, 0x1009, "x"), property(binary, 0x1013, "y")}))));
    EXPECT_TRUE(tnef.has_text);
    EXPECT_TRUE(tnef.has_rtf);
    EXPECT_TRUE(tnef.has_html);
    EXPECT_TRUE(tnef.attachments.empty());
    EXPECT_FALSE(read_tnef(stream("")).has_rtf);
}

TEST(Tnef, ReadsPropertiesOfEveryType)
{
    const std::string guid(16, 'g');
    const auto named = [&](unsigned kind, const std::string& name) { return guid + le(kind, 4) + name; };
    const auto octets = stream(
        begins +
        with({le(0x0002, 2) + le(0x0001, 2) + le(7, 4), le(0x0040, 2) + le(0x3007, 2) + le(9, 8),
              le(0x0048, 2) + le(0x1234, 2) + guid, le(0x000B, 2) + le(0x7FFE, 2) + le(1, 4),
              le(0x1003, 2) + le(0x2222, 2) + le(2, 4) + le(1, 4) + le(2, 4), // two integers
              le(0x101E, 2) + le(0x3333, 2) + le(2, 4) + le(2, 4) + "ab\0\0"s + le(5, 4) + padded("abcde"), // two texts
              le(string8, 2) + le(0x8001, 2) + named(1, le(8, 4) + wide("name")) + le(1, 4) + le(3, 4) + "abc\0"s,
              le(0x0003, 2) + le(0x8002, 2) + named(0, le(77, 4)) + le(5, 4), property(string8, 0x3707, "last.bin\0"s),
              property(binary, 0x3701, "content")}));
    const auto tnef = read_tnef(octets);
    ASSERT_EQ(tnef.attachments.size(), 1U);
    EXPECT_EQ(tnef.attachments[0].names, std::vector{"last.bin"s});
    EXPECT_EQ(tnef.attachments[0].octets, "content");
    EXPECT_FALSE(tnef.damaged);
}

TEST(Tnef, ListsBothContentsOfOneAttachment)
{
    const auto octets = stream(begins + title("a") + data("one") + with({property(binary, 0x3701, "two")}));
    const auto tnef = read_tnef(octets);
    ASSERT_EQ(tnef.attachments.size(), 2U);
    EXPECT_EQ(tnef.attachments[0].octets, "one");
    EXPECT_EQ(tnef.attachments[1].octets, "two");
    EXPECT_EQ(tnef.attachments[1].names, tnef.attachments[0].names);
}

TEST(Tnef, ReadsNamesInTheStreamsCharset)
{
    const auto name = [](unsigned codepage, const std::string& text) {
        const auto octets = stream(attribute(1, 0x00069007, le(codepage, 4) + le(0, 4)) + begins + title(text));
        return read_tnef(octets).attachments.at(0).names.at(0);
    };
    EXPECT_EQ(name(1251, "\xEF\xF0\xE8"), "при");
    EXPECT_EQ(name(932, "\x93\xFA"), "日");
    EXPECT_EQ(name(65001, "ä"), "ä");
    EXPECT_EQ(name(850, "\x84"), "ä");
    EXPECT_EQ(name(99999, "a\x84"), "a\xEF\xBF\xBD");
    EXPECT_EQ(read_tnef(stream(begins + title("\xE4"))).attachments.at(0).names.at(0), "ä");
}

std::string message_in_message(std::size_t depth)
{
    std::string inner = stream(begins + title("innermost.exe") + data("MZ"));
    for (std::size_t i = 0; i < depth; ++i)
        inner = stream(begins + title("message") + with({property(object, 0x3701, std::string(16, 'i') + inner)}));
    return inner;
}

TEST(Tnef, ReadsEmbeddedMessages)
{
    const auto octets = message_in_message(2);
    const auto tnef = read_tnef(octets);
    ASSERT_EQ(tnef.attachments.size(), 3U);
    EXPECT_TRUE(tnef.attachments[0].is_message);
    EXPECT_TRUE(tnef.attachments[1].is_message);
    EXPECT_EQ(tnef.attachments[1].depth, 1U);
    EXPECT_EQ(tnef.attachments[2].names, std::vector{"innermost.exe"s});
    EXPECT_EQ(tnef.attachments[2].depth, 2U);
    EXPECT_FALSE(tnef.cut);
    EXPECT_FALSE(tnef.damaged);
}

TEST(Tnef, StopsAtItsLimits)
{
    const auto deep = message_in_message(20);
    EXPECT_TRUE(read_tnef(deep).cut);
    EXPECT_EQ(read_tnef(deep).attachments.size(), 8U);
    std::string many;
    for (int i = 0; i < 30; ++i)
        many += begins + title("x");
    many = stream(many);
    EXPECT_EQ(read_tnef(many, {.attachments = 10}).attachments.size(), 10U);
    EXPECT_TRUE(read_tnef(many, {.attachments = 10}).cut);
    EXPECT_FALSE(read_tnef(many).cut);
}

TEST(Tnef, TakesSoManyNamesOfOneAttachment)
{
    constexpr std::size_t count = 20000;
    std::string names = le(0x101E, 2) + le(0x3707, 2) + le(count, 4); // one property, many values
    for (std::size_t i = 0; i < count; ++i)
        names += le(8, 4) + std::to_string(10000000 + i);
    const auto octets = stream(begins + title("short.exe") + data("MZ") + with({names}));
    const auto tnef = read_tnef(octets);
    ASSERT_EQ(tnef.attachments.size(), 1U);
    EXPECT_EQ(tnef.attachments[0].names.size(), 33U);
    EXPECT_EQ(tnef.attachments[0].names.front(), "10000000");
    EXPECT_EQ(tnef.attachments[0].names.back(), "short.exe");
    EXPECT_TRUE(tnef.cut);
    EXPECT_FALSE(tnef.damaged);
}

TEST(Tnef, SaysWhatIsDamaged)
{
    EXPECT_TRUE(read_tnef("").damaged);
    EXPECT_TRUE(read_tnef("hello").damaged);
    auto wrong_sum = stream(begins + title("x"));
    wrong_sum.back() ^= 1;
    EXPECT_TRUE(read_tnef(wrong_sum).damaged);
    EXPECT_EQ(read_tnef(wrong_sum).attachments.size(), 1U);
    const auto unknown_type = stream(begins + with({le(0x0077, 2) + le(1, 2) + le(0, 4)}));
    EXPECT_TRUE(read_tnef(unknown_type).damaged);
    const auto too_many = stream(begins + attribute(2, 0x00069005, le(0xFFFFFFFF, 4)));
    EXPECT_EQ(read_tnef(too_many).attachments.size(), 1U);
    const auto too_long =
        stream(begins + with({le(binary, 2) + le(0x3701, 2) + le(1, 4) + le(0xFFFFFFFF, 4) + "abcd"}));
    EXPECT_TRUE(read_tnef(too_long).damaged);
}

TEST(Tnef, ReadsWhatIsThereOfACutStream)
{
    const auto whole = stream(begins + title("a.exe") + data("MZ and so on"));
    for (std::size_t n = 0; n < whole.size(); ++n) {
        const auto tnef = read_tnef(std::string_view(whole).substr(0, n));
        const bool at_a_seam = n == 6 || n == 6 + begins.size() || n == 6 + begins.size() + title("a.exe").size();
        EXPECT_EQ(tnef.damaged, !at_a_seam) << n;
    }
    const auto cut = std::string_view(whole).substr(0, whole.size() - 5);
    ASSERT_EQ(read_tnef(cut).attachments.size(), 1U);
    EXPECT_EQ(read_tnef(cut).attachments[0].octets, "MZ and so");
}

} // namespace
} // namespace mgw::mail
