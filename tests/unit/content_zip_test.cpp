#include "lib/content/archive.hpp"
#include "lib/content/zip.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

using namespace mgw::content;
using namespace std::string_literals;

namespace
{

std::string le(std::uint64_t value, int octets)
{
    std::string out;
    for (int i = 0; i < octets; ++i)
        out.push_back(static_cast<char>(value >> (8 * i)));
    return out;
}

std::string deflated(const std::string& octets)
{
    std::string out(compressBound(octets.size()) + 64, '\0');
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data()));
    stream.avail_in = static_cast<uInt>(octets.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

struct File {
    std::string name, content;
    std::string directory_name = {}; ///< if it differs
    bool listed = true;              ///< in the directory
    bool stored = false;
    unsigned flags = 0;
};

std::string make_zip(const std::vector<File>& files)
{
    std::string out, directory;
    unsigned count = 0;
    for (const auto& file : files) {
        const std::string packed = file.stored ? file.content : deflated(file.content);
        const std::string sizes = le(0, 4) + le(packed.size(), 4) + le(file.content.size(), 4);
        const std::string common = le(20, 2) + le(file.flags, 2) + le(file.stored ? 0 : 8, 2) + le(0, 4) + sizes;
        const auto& name = file.directory_name.empty() ? file.name : file.directory_name;
        if (file.listed) {
            directory += "PK\x01\x02" + le(20, 2) + common + le(name.size(), 2) + le(0, 2) + le(0, 2) + le(0, 2) +
                         le(0, 2) + le(0, 4) + le(out.size(), 4) + name;
            ++count;
        }
        out += "PK\x03\x04" + common + le(file.name.size(), 2) + le(0, 2) + file.name + packed;
    }
    return out + directory + "PK\x05\x06" + le(0, 4) + le(count, 2) + le(count, 2) + le(directory.size(), 4) +
           le(out.size(), 4) + le(0, 2);
}

std::vector<std::string> names(const ZipListing& listing)
{
    std::vector<std::string> out;
    for (const auto& entry : listing.entries)
        out.push_back(entry.name);
    return out;
}

using Names = std::vector<std::string>;

} // namespace

TEST(Zip, NamesAllMembers)
{
    const auto listing = list_zip(make_zip({{"a.txt", "hello"}, {"dir/b.exe", "MZ"}}));
    EXPECT_EQ(names(listing), (Names{"a.txt", "dir/b.exe"}));
    EXPECT_FALSE(listing.damaged);
    EXPECT_FALSE(listing.names_differ);
}

TEST(Zip, IsReadBehindOtherOctets)
{
    const auto zip = std::string(1000, 'x') + make_zip({{"a.txt", "hello"}});
    const auto listing = list_zip(zip);
    ASSERT_EQ(names(listing), Names{"a.txt"});
    EXPECT_EQ(unzip(zip, listing.entries[0], 100), "hello");
}

TEST(Zip, NamesThatOnlyLocalHeadersHaveAreListed)
{
    const auto listing = list_zip(make_zip({{"a.txt", "hello"}, {"hidden.exe", "MZ", "", false}}));
    EXPECT_EQ(names(listing), (Names{"a.txt", "hidden.exe"}));
    EXPECT_TRUE(listing.names_differ);
}

TEST(Zip, BothNamesOfOneMemberAreListed)
{
    const auto listing = list_zip(make_zip({{"evil.exe", "MZ", "a.txt"}}));
    EXPECT_EQ(names(listing), (Names{"a.txt", "evil.exe"}));
    EXPECT_TRUE(listing.names_differ);
}

TEST(Zip, WithoutADirectoryTheLocalHeadersAreRead)
{
    const auto zip = make_zip({{"a.txt", "hello"}, {"b.txt", "world"}});
    const auto listing = list_zip(zip.substr(0, zip.find("PK\x01\x02")));
    EXPECT_EQ(names(listing), (Names{"a.txt", "b.txt"}));
    EXPECT_TRUE(listing.damaged);
}

TEST(Zip, OldNamesAreCodePage437)
{
    const auto listing = list_zip(make_zip({{"r\x82sum\x82.txt", "x"}}));
    EXPECT_EQ(names(listing), Names{"résumé.txt"});
}

TEST(Zip, LimitsTheNumberOfEntries)
{
    std::vector<File> files(50, {"a.txt", "x"});
    const auto listing = list_zip(make_zip(files), {.entries = 10});
    EXPECT_EQ(listing.entries.size(), 10U);
    EXPECT_TRUE(listing.cut);
}

TEST(Zip, CutAnywhereIsNoCrash)
{
    const auto zip = make_zip({{"a.txt", "hello"}, {"b.txt", std::string(300, 'y')}});
    for (std::size_t size = 0; size < zip.size(); ++size) {
        const auto listing = list_zip(std::string(zip, 0, size));
        for (const auto& entry : listing.entries)
            (void)unzip(zip.substr(0, size), entry, 100);
        EXPECT_LE(listing.entries.size(), 2U);
    }
}

TEST(Unzip, StopsAtTheLimit)
{
    const auto zip = make_zip({{"zeros", std::string(10U << 20, '\0')}});
    const auto listing = list_zip(zip);
    bool complete = true;
    const auto out = unzip(zip, listing.entries.at(0), 5000, &complete);
    ASSERT_TRUE(out.has_value());
    EXPECT_EQ(out->size(), 5000U);
    EXPECT_FALSE(complete);
}

TEST(Unzip, EncryptedGivesNothing)
{
    const auto zip = make_zip({{"a.txt", "hello", "", true, false, 1}});
    const auto listing = list_zip(zip);
    EXPECT_TRUE(listing.entries.at(0).encrypted);
    EXPECT_FALSE(unzip(zip, listing.entries.at(0), 100).has_value());
}

TEST(Archive, NestedMembersHaveTheWholePath)
{
    const auto inner = make_zip({{"setup.exe", "MZ"s + std::string(70, '\0')}});
    const auto contents = list_members(make_zip({{"a.txt", "hello"}, {"inner.zip", inner}}), "application/zip");
    ASSERT_EQ(contents.members.size(), 3U);
    EXPECT_EQ(contents.members[1].name, "inner.zip");
    EXPECT_EQ(contents.members[1].type, "application/zip");
    EXPECT_EQ(contents.members[2].name, "inner.zip/setup.exe");
    EXPECT_EQ(contents.members[2].type, "application/x-msdos-program");
}

TEST(Archive, DepthIsLimited)
{
    std::string zip = make_zip({{"a.txt", "hello"}});
    for (int i = 0; i < 20; ++i)
        zip = make_zip({{"n.zip", zip}});
    const auto contents = list_members(zip, "application/zip");
    EXPECT_TRUE(contents.too_deep);
    EXPECT_EQ(contents.members.size(), 8U);
}

TEST(Archive, AHighRatioIsFlaggedAndBounded)
{
    const auto zip = make_zip({{"zeros", std::string(20U << 20, '\0')}});
    const auto contents = list_members(zip, "application/zip");
    EXPECT_TRUE(contents.ratio_exceeded);
    EXPECT_FALSE(list_members(make_zip({{"blanks", std::string(20000, ' ')}}), "application/zip").ratio_exceeded);
}

TEST(Archive, NestedBombsStopAtTheOctetsAdmitted)
{
    const auto inner = make_zip({{"zeros", std::string(1U << 20, '\0'), "", true, true}});
    std::vector<File> files(20, {"i.zip", inner});
    const auto contents = list_members(make_zip(files), "application/zip", {.unpacked_octets = 8U << 20});
    EXPECT_TRUE(contents.cut);
}

/// A TNEF stream with one attachment: attributes for its begin, its name and its octets.
std::string make_tnef(const std::string& name, const std::string& octets)
{
    std::string out = "\x78\x9f\x3e\x22\x01\x00"s;
    const auto attribute = [&](std::uint32_t id, const std::string& value) {
        std::uint32_t sum = 0;
        for (const char c : value)
            sum += static_cast<unsigned char>(c);
        out += '\2' + le(id, 4) + le(value.size(), 4) + value + le(sum & 0xFFFF, 2);
    };
    attribute(0x00069002, std::string(14, '\0'));
    attribute(0x00018010, name + '\0');
    attribute(0x0006800F, octets);
    return out;
}

TEST(Archive, TnefIsLookedInto)
{
    const auto zip = make_zip({{"setup.exe", "MZ"s + std::string(70, '\0')}});
    const auto contents = list_members(make_tnef("letter.zip", zip), "application/vnd.ms-tnef");
    ASSERT_EQ(contents.members.size(), 2U);
    EXPECT_EQ(contents.members[0].name, "letter.zip");
    EXPECT_EQ(contents.members[0].type, "application/zip");
    EXPECT_EQ(contents.members[1].name, "letter.zip/setup.exe");
    EXPECT_EQ(contents.members[1].type, "application/x-msdos-program");
    EXPECT_FALSE(contents.damaged);
    const auto in_zip = list_members(make_zip({{"winmail.dat", make_tnef("letter.zip", zip)}}), "application/zip");
    ASSERT_EQ(in_zip.members.size(), 3U);
    EXPECT_EQ(in_zip.members[2].name, "winmail.dat/letter.zip/setup.exe");
    EXPECT_TRUE(list_members(make_tnef("a.zip", zip), "application/vnd.ms-tnef", {.depth = 1}).too_deep);
    EXPECT_TRUE(list_members("\x78\x9f\x3e\x22", "application/vnd.ms-tnef").damaged);
    EXPECT_TRUE(list_members(make_tnef("x.rar", "Rar!\x1a\x07\x01"s), "application/vnd.ms-tnef").opaque);
}

TEST(Archive, KindsThatCannotBeListedSaySo)
{
    EXPECT_TRUE(list_members("Rar!", "application/vnd.rar").opaque);
    EXPECT_TRUE(list_members(make_zip({{"x.rar", "Rar!\x1a\x07\x01"s}}), "application/zip").opaque);
}
