#include "lib/mail/attached.hpp"

#include "lib/mail/codec.hpp"

#include <gtest/gtest.h>

namespace mgw::mail
{
namespace
{

using namespace std::string_literals;
using Names = std::set<std::string>;

std::string le(std::uint64_t value, int octets)
{
    std::string out;
    for (int i = 0; i < octets; ++i)
        out += static_cast<char>(value >> (8 * i));
    return out;
}

std::string attribute(std::uint32_t id, const std::string& octets)
{
    std::uint32_t sum = 0;
    for (const char c : octets)
        sum += static_cast<unsigned char>(c);
    return '\2' + le(id, 4) + le(octets.size(), 4) + octets + le(sum & 0xFFFF, 2);
}

/// A TNEF stream with one file, listed `count` times.
std::string tnef(const std::string& name, const std::string& octets, int count = 1)
{
    std::string out = "\x78\x9f\x3e\x22\x01\x00"s;
    for (int i = 0; i < count; ++i)
        out += attribute(0x00069002, std::string(14, '\0')) + attribute(0x00018010, name + '\0') +
               attribute(0x0006800F, octets);
    return out;
}

std::string message(const std::string& name, const std::string& octets)
{
    return "Content-Type: application/octet-stream; name=\"" + name + "\"\nContent-Transfer-Encoding: base64\n\n" +
           base64_encode(octets);
}

TEST(AttachedNames, AreFoundThroughMessagesAndTnefInOneAnother)
{
    const Limits limits;
    AttachedNames inside(limits, 1000);
    EXPECT_EQ(inside.of_tnef(tnef("letter.eml", message("setup.exe", "MZ"))), (Names{"letter.eml", "setup.exe"}));
    EXPECT_EQ(inside.of_message(message("a.eml", message("winmail.dat", tnef("b.eml", message("c.exe", "MZ"))))),
              (Names{"a.eml", "winmail.dat", "b.eml", "c.exe"}));
    EXPECT_FALSE(inside.is_cut());
}

TEST(AttachedNames, SayWhatALimitCut)
{
    Limits limits;
    limits.archive_entries = 3;
    AttachedNames files(limits, 1000);
    EXPECT_EQ(files.of_tnef(tnef("a", "x", 4)), Names{"a"});
    EXPECT_TRUE(files.is_cut());

    limits = {};
    limits.archive_depth = 2;
    std::string nested = message("c.exe", "MZ");
    for (int i = 0; i < 2; ++i)
        nested = message("a.eml", nested);
    AttachedNames deep(limits, 1000);
    EXPECT_FALSE(deep.of_message(nested).contains("c.exe"));
    EXPECT_TRUE(deep.is_cut());

    // many files cost no more than the budget
    limits = {};
    AttachedNames many(limits, 1000);
    for (int i = 0; i < 50; ++i)
        many.of_message("\xEF\xBB\xBF" + message("a.exe", "MZ")); // read in more than one way
    EXPECT_TRUE(many.is_cut());
}

TEST(AttachedNames, OfMessagesKeptAsFiles)
{
    EXPECT_TRUE(is_message_name({"a.txt", "A.EML "}));
    EXPECT_TRUE(is_message_name({"a.mht"}));
    EXPECT_FALSE(is_message_name({"eml", "a.eml.txt"}));
}

} // namespace
} // namespace mgw::mail
