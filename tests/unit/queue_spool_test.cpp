#include "lib/queue/spool.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

using namespace mgw;
using namespace mgw::queue;

namespace
{

std::string header(const std::string& mgw_id)
{
    Stored stored{.recipients = {"1"}};
    stored.block.set_id(mgw_id);
    stored.block.set_from("a@example.net");
    stored.block.add_recipient("1", "b@example.org");
    return header_text(stored);
}

class SpoolTest : public testing::Test {
protected:
    SpoolTest()
    {
        std::string pattern = testing::TempDir() + "spoolXXXXXX";
        path = ::mkdtemp(pattern.data());
        EXPECT_TRUE(make_spool(path));
    }
    ~SpoolTest() override { std::filesystem::remove_all(path); }

    Spool open()
    {
        return Spool(path, LaneOptions{}, [this](const std::string& what) { complaints.push_back(what); });
    }
    /// One group with one message for each body.
    static std::vector<Group> messages(const std::vector<std::string>& bodies)
    {
        std::vector<Group> groups;
        for (const auto& body : bodies)
            groups.push_back({{.header = header("ID" + body.substr(0, 1)), .body = body}});
        return groups;
    }
    std::string only_segment()
    {
        for (const auto& at : std::filesystem::recursive_directory_iterator(path))
            if (at.path().extension() == ".seg")
                return at.path();
        return {};
    }
    void overwrite(std::uint64_t offset, std::string_view octets)
    {
        std::fstream file(only_segment(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(offset));
        file.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    }
    std::size_t count()
    {
        auto spool = open();
        EXPECT_TRUE(spool.refresh());
        return spool.entries().size();
    }

    std::string path;
    std::vector<std::string> complaints;
};

TEST_F(SpoolTest, KeepsMessagesOctetForOctet)
{
    const std::vector<std::string> body{std::string("From: x\r\n\r\n\0\n\r.\n", 16)};
    Id id = 0;
    {
        auto spool = open();
        auto groups = messages(body);
        ASSERT_TRUE(spool.commit(groups));
        id = groups[0][0].id;
    }
    auto spool = open();
    ASSERT_TRUE(spool.refresh());
    ASSERT_EQ(spool.entries().size(), 1U);
    EXPECT_EQ(spool.entries().begin()->first, id);
    EXPECT_EQ(spool.read(spool.entries().at(id))->message, body[0]);
}

TEST_F(SpoolTest, ReaderSeesOnlyWhatALivingWriterHasFlushed)
{
    auto writer = open();
    const std::vector<std::string> bodies{"a"};
    auto groups = messages(bodies);
    ASSERT_TRUE(writer.commit(groups));
    auto reader = open();
    ASSERT_TRUE(reader.refresh());
    EXPECT_EQ(reader.entries().size(), 1U);
    const std::vector<std::string> more{"b", "c"};
    groups = messages(more);
    ASSERT_TRUE(writer.commit(groups));
    ASSERT_TRUE(reader.refresh());
    EXPECT_EQ(reader.entries().size(), 3U);
}

TEST_F(SpoolTest, FinishedMessagesAndTheirSegmentsGo)
{
    Id id = 0;
    {
        auto spool = open();
        const std::vector<std::string> bodies{"a"};
        auto groups = messages(bodies);
        ASSERT_TRUE(spool.commit(groups));
        id = groups[0][0].id;
    }
    Spool spool(path, LaneOptions{.from_top = true}, [](const std::string&) {});
    ASSERT_TRUE(spool.refresh());
    EXPECT_EQ(*spool.reclaim(), 0U);
    std::vector<Group> done{{{.type = Type::done,
                              .id = id,
                              .not_before_us = spool.entries().at(id).event_us + 1,
                              .header = header_text(Event{.results = {{.number = "1", .code = 250}}})}}};
    ASSERT_TRUE(spool.commit(done));
    ASSERT_TRUE(spool.refresh());
    EXPECT_TRUE(spool.entries().empty());
    EXPECT_EQ(*spool.reclaim(), 1U) << "the message's; the DONE's has a writer";
    EXPECT_EQ(count(), 0U);
}

TEST_F(SpoolTest, GroupWithoutItsEndIsLeftOut)
{
    std::uint64_t size = 0;
    {
        auto spool = open();
        std::vector<Group> groups{{{.header = header("IDa"), .body = "a"}, {.header = header("IDb"), .body = "b"}}};
        ASSERT_TRUE(spool.commit(groups));
        size = RecordHead{.body_octets = 1, .header_octets = static_cast<std::uint32_t>(header("IDa").size())}
                   .total_octets();
    }
    EXPECT_EQ(count(), 2U);
    std::filesystem::resize_file(only_segment(), segment_head_octets + size + size / 2);
    EXPECT_EQ(count(), 0U);
    EXPECT_TRUE(complaints.empty()) << complaints[0];
}

TEST_F(SpoolTest, WriterAfterATornTailBeginsAnotherSegment)
{
    {
        auto spool = open();
        const std::vector<std::string> bodies{"a", std::string(5000, 'b')};
        auto groups = messages(bodies);
        ASSERT_TRUE(spool.commit(groups));
    }
    std::filesystem::resize_file(only_segment(), 3000);
    {
        auto spool = open();
        const std::vector<std::string> bodies{"c"};
        auto groups = messages(bodies);
        ASSERT_TRUE(spool.commit(groups));
    }
    EXPECT_EQ(count(), 2U);
    EXPECT_EQ(segments_of(path, 0).size(), 2U);
}

TEST_F(SpoolTest, EachFlippedBitIsNamedAndTheRestGoesOn)
{
    const std::string body(600, 'x');
    std::uint64_t end = 0;
    {
        auto spool = open();
        const std::vector<std::string> bodies{body, body, body};
        auto groups = messages(bodies);
        ASSERT_TRUE(spool.commit(groups));
        end = segment_head_octets +
              3 * RecordHead{.body_octets = 600, .header_octets = static_cast<std::uint32_t>(header("IDx").size())}
                      .total_octets();
    }
    std::ifstream in(only_segment(), std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(in)), {});
    for (std::uint64_t at = 0; at < end; at += 7) {
        const std::string flipped(1, static_cast<char>(good[at] ^ 4));
        overwrite(at, flipped);
        const auto checked = check_spool(path);
        ASSERT_TRUE(checked);
        const auto& segment = checked->at(0);
        EXPECT_TRUE(!segment.error.empty() || (segment.damages.size() == 1 && !segment.damages[0].torn))
            << "octet " << at;
        if (at >= segment_head_octets) {
            EXPECT_EQ(count(), 2U) << "octet " << at;
        }
        overwrite(at, std::string_view(good).substr(at, 1));
    }
    EXPECT_EQ(count(), 3U);
}

TEST_F(SpoolTest, EveryLengthOfATruncatedFileGivesWholeMessages)
{
    {
        auto spool = open();
        for (const char* body : {"a", "b", "c"}) {
            const std::vector<std::string> bodies{body};
            auto groups = messages(bodies);
            ASSERT_TRUE(spool.commit(groups));
        }
    }
    std::ifstream in(only_segment(), std::ios::binary);
    const std::string good((std::istreambuf_iterator<char>(in)), {});
    const auto record =
        RecordHead{.body_octets = 1, .header_octets = static_cast<std::uint32_t>(header("IDa").size())}.total_octets();
    for (std::uint64_t length = segment_head_octets; length <= segment_head_octets + 3 * record; ++length) {
        const auto head = decode_segment_head(good);
        ASSERT_TRUE(head);
        MemorySource source(std::string_view(good).substr(0, length));
        EXPECT_EQ(scan(source, *head).records.size(), (length - segment_head_octets) / record) << length;
    }
}

TEST_F(SpoolTest, RefusesAnotherFormatAndAFolderThatIsNoSpool)
{
    std::ofstream(path + "/FORMAT") << "mgw-spool 2\n";
    EXPECT_EQ(require_spool(path).error().status, Status::config);
    const std::string other = path + "/other";
    std::filesystem::create_directory(other);
    std::ofstream(other + "/file") << "x";
    EXPECT_EQ(make_spool(other).error().status, Status::config);
}

} // namespace
