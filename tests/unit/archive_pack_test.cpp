#include "lib/archive/backup.hpp"
#include "lib/archive/pack.hpp"
#include "lib/archive/writer.hpp"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

using namespace mgw;
using namespace mgw::archive;

namespace
{

constexpr std::uint32_t salt = 7;
const std::string block = "Mgw-Id: 01JDF3M1S8W7Q2E5T9XK4V6B0A\nMgw-End:\n";
const std::string id = "01JDF3M1S8W7Q2E5T9XK4V6B0B";

std::string pack_of(const std::vector<std::string>& messages)
{
    std::string out = encode(PackHead{.number = 3, .created_us = 5, .salt = salt});
    std::uint64_t sequence = 0;
    for (const auto& message : messages)
        out += make_record(++sequence, 9, id, block, message, salt);
    return out;
}

struct Seen {
    std::vector<std::string> messages;
    std::vector<Damage> damages;
    std::uint64_t end = 0;
};
Seen look(const std::string& octets)
{
    Seen seen;
    auto pack = Pack::from_octets(octets);
    EXPECT_TRUE(pack);
    const auto end = pack->walk(
        0,
        [&](const RecordHead& head, std::uint64_t offset) -> Result<void> {
            const auto content = pack->read(head, offset);
            seen.messages.push_back(content ? content->message : "damaged");
            return {};
        },
        [&](const Damage& damage) { seen.damages.push_back(damage); });
    EXPECT_TRUE(end);
    seen.end = end.value_or(0);
    return seen;
}

class Octets : public testing::TestWithParam<std::string> {};
TEST_P(Octets, ComeBackAsTheyWere)
{
    const auto seen = look(pack_of({GetParam(), "next"}));
    ASSERT_EQ(seen.messages.size(), 2U);
    EXPECT_EQ(seen.messages[0], GetParam());
    EXPECT_EQ(seen.messages[1], "next");
    EXPECT_TRUE(seen.damages.empty());
}
INSTANTIATE_TEST_SUITE_P(Pack, Octets,
                         testing::Values("", "x", std::string(5, '\0'), "\r\r\r", "MGWa", std::string(100000, 'a'),
                                         pack_of({"a pack in a pack"})));

TEST(Pack, FindsEveryFlippedBit)
{
    const auto good = pack_of({"Subject: one\n\n" + std::string(90, 'x'), "two"});
    const auto used = good.size() - 5; // the padding of "two" is in nobody's CRC
    std::size_t padding = 0;
    for (std::size_t at = pack_head_octets; at < used; ++at) {
        auto bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        const auto seen = look(bad);
        const bool whole = seen.messages.size() == 2 && seen.damages.empty() && seen.messages[0] != "damaged" &&
                           seen.messages[1] != "damaged";
        padding += whole ? 1 : 0;
    }
    EXPECT_LT(padding, 8U); // between the records
}

TEST(Pack, TellsATornEndFromADamage)
{
    const auto good = pack_of({"one", "two"});
    const auto first = pack_of({"one"}).size();
    for (std::size_t size = first + 1; size < good.size(); ++size) {
        const auto seen = look(good.substr(0, size));
        ASSERT_EQ(seen.damages.size(), 1U) << size;
        EXPECT_TRUE(seen.damages[0].torn) << size;
        EXPECT_EQ(seen.end, first);
    }
    auto bad = good;
    bad[first + 60] = static_cast<char>(bad[first + 60] ^ 0x40); // the length of the message
    const auto seen = look(bad);
    ASSERT_EQ(seen.damages.size(), 1U);
    EXPECT_FALSE(seen.damages[0].torn);
}

TEST(Pack, GoesOnAfterADamagedHead)
{
    auto bad = pack_of({"one", "two"});
    bad[pack_head_octets + 9] = 'x';
    const auto seen = look(bad);
    EXPECT_EQ(seen.messages, std::vector<std::string>{"two"});
    ASSERT_EQ(seen.damages.size(), 1U);
    EXPECT_EQ(seen.damages[0].offset, pack_head_octets);
}

TEST(Manifest, IsWholeOrRefused)
{
    Manifest manifest;
    manifest.set({"packs/2026/11/000001.pack", 12, "ab"});
    manifest.set({"packs/2026/11/000002.pack", 0, ""});
    const auto text = manifest.text();
    const auto again = Manifest::parse(text);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->entries.size(), 2U);
    EXPECT_EQ(again->find("packs/2026/11/000001.pack")->size, 12U);
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto bad = text;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        EXPECT_FALSE(Manifest::parse(bad)) << at;
        EXPECT_FALSE(Manifest::parse(text.substr(0, at))) << at;
    }
    for (const char* path : {"../x", "/etc/passwd", "packs/../../x", "packs//x", ""}) {
        Manifest evil;
        evil.set({path, 1, "ab"});
        EXPECT_FALSE(Manifest::parse(evil.text())) << path;
    }
}

class ArchiveTest : public testing::Test {
protected:
    ArchiveTest()
    {
        std::string pattern = testing::TempDir() + "archiveXXXXXX";
        folder = ::mkdtemp(pattern.data());
        path = folder + "/archive";
        EXPECT_TRUE(make_archive(path));
    }
    ~ArchiveTest() override { std::filesystem::remove_all(folder); }

    std::string keep(Writer& writer, const std::string& message)
    {
        std::vector<Write> writes{{.block = block, .message = message}};
        const auto kept = writer.append(writes);
        EXPECT_TRUE(kept) << kept.error().message;
        return writes[0].id;
    }

    std::string folder;
    std::string path;
};

TEST_F(ArchiveTest, WritersHaveAPackEachAndTheNextGoesOn)
{
    {
        Writer one(path, {});
        Writer two(path, {});
        keep(one, "1");
        keep(two, "2");
        keep(one, "3");
        EXPECT_EQ(packs_of(path).size(), 2U);
    }
    Writer three(path, {});
    keep(three, "4");
    EXPECT_EQ(packs_of(path).size(), 2U);
    const auto checked = check_archive(path);
    EXPECT_EQ(checked.messages, 4U);
    EXPECT_EQ(checked.damages, 0U);
}

TEST_F(ArchiveTest, AFixedSeedNeverGivesAnIdTwice)
{
    const WriterOptions fixed{.clock = Clock{Time{std::chrono::seconds{1764000000}}}, .random = Random{1}};
    std::string first;
    {
        Writer one(path, fixed);
        first = keep(one, "1");
    }
    Writer two(path, fixed);
    EXPECT_NE(keep(two, "1"), first);
}

TEST_F(ArchiveTest, SealsFullPacksAndThoseOfAPastMonth)
{
    {
        Writer old(path, {.clock = Clock{Time{std::chrono::seconds{1704067200}}}});
        keep(old, "old");
    }
    Writer writer(path, {.pack_octets = 200});
    keep(writer, "1");
    keep(writer, "2");
    const auto packs = packs_of(path);
    ASSERT_EQ(packs.size(), 3U);
    EXPECT_EQ(packs[0].path, "packs/2024/01/000001.pack");
    EXPECT_TRUE(packs[0].sealed);
    EXPECT_TRUE(packs[1].sealed);
    EXPECT_FALSE(packs[2].sealed);
    EXPECT_EQ(check_archive(path).damages, 0U);
    std::filesystem::remove(path + "/" + packs[0].path);
    const auto checked = check_archive(path);
    ASSERT_EQ(checked.damages, 1U);
    EXPECT_EQ(checked.findings[0].path, packs[0].path);
}

TEST_F(ArchiveTest, BackupCopiesOnlyWhatIsNewAndRestoreIsTheSame)
{
    const auto backup_path = folder + "/backup";
    {
        Writer writer(path, {.pack_octets = 200});
        keep(writer, "1");
        keep(writer, "2");
    }
    auto copied = backup(path, backup_path);
    ASSERT_TRUE(copied) << copied.error().message;
    EXPECT_EQ(copied->copied, 2U);
    Writer writer(path, {.pack_octets = 200});
    keep(writer, "3");
    copied = backup(path, backup_path);
    ASSERT_TRUE(copied);
    EXPECT_EQ(copied->copied, 2U); // the second pack has its seal now, the third is new
    ASSERT_TRUE(restore(backup_path, folder + "/again"));
    EXPECT_EQ(check_archive(folder + "/again").messages, 3U);
    EXPECT_EQ(check_archive(folder + "/again").damages, 0U);
    EXPECT_EQ(restore(backup_path, folder + "/again").error().status, Status::config);
}

} // namespace
