#include "lib/cli/resume.hpp"

#include "lib/cli/progress.hpp"

#include <gtest/gtest.h>

namespace mgw::cli
{
namespace
{

Mark full()
{
    Mark mark;
    mark.tool = "mgw-scan";
    mark.operands = "0123";
    mark.basis = "4567";
    mark.shard = {3, 8};
    mark.run = "abc";
    mark.position = {1234, 5, std::string("\0\xff\n", 3), "", false, 987654321, false};
    mark.file = {1000000000000, 1764000000123456789, "beef"};
    mark.to_file = true;
    mark.device = 42;
    mark.inode = 4711;
    mark.output_octets = 99;
    mark.status = Status::temp_fail;
    mark.finished = true;
    return mark;
}

TEST(Mark, IsReadAsItWasWritten)
{
    for (const Mark& mark : {full(), [] {
                                 Mark first; // before the first message
                                 first.tool = "mgw-scan";
                                 first.operands = "0";
                                 first.run = "r";
                                 return first;
                             }()}) {
        auto again = parse_mark(mark_text(mark));
        ASSERT_TRUE(again) << mark_text(mark);
        EXPECT_EQ(mark_text(*again), mark_text(mark));
        EXPECT_EQ(again->position.chain, mark.position.chain);
        EXPECT_EQ(again->position.number, mark.position.number);
        EXPECT_EQ(again->file, mark.file);
        EXPECT_EQ(again->status, mark.status);
    }
}

TEST(Mark, ThatIsNotWholeIsRefused)
{
    const std::string text = mark_text(full());
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
        EXPECT_FALSE(parse_mark(text.substr(0, cut))) << cut;
        std::string changed = text;
        changed[cut] = static_cast<char>(changed[cut] ^ 1);
        EXPECT_FALSE(parse_mark(changed)) << cut;
    }
    EXPECT_FALSE(parse_mark(text + "\n"));
}

TEST(Shard, TakesEachNumberOnce)
{
    for (std::uint64_t number = 1; number < 100; ++number) {
        int takers = 0;
        for (std::uint64_t i = 1; i <= 7; ++i)
            takers += Shard{i, 7}.takes(number) ? 1 : 0;
        EXPECT_EQ(takers, 1) << number;
    }
    EXPECT_TRUE((Shard{2, 7}.takes(2)));
    EXPECT_TRUE((Shard{7, 7}.takes(7)));
    EXPECT_TRUE(Shard{}.takes(1));
}

TEST(Progress, SaysWhatIsLeftWhereItIsKnown)
{
    const Passed none;
    Passed half{.messages = 1234567, .octets = 50'000'000, .all_octets = 100'000'000, .files = 1, .all_files = 1};
    EXPECT_EQ(Progress::text(none, half, 10), "1,234,567 messages, 50 MB, 5.0 MB/s, 0:10 left");
    half.all_octets = 40'000'000'000;
    EXPECT_EQ(Progress::text(none, half, 10), "1,234,567 messages, 50 MB, 5.0 MB/s, 2:13:10 left");
    half.all_octets.reset();
    half.all_files.reset();
    EXPECT_EQ(Progress::text(none, half, 10), "1,234,567 messages, 50 MB, 5.0 MB/s");
    EXPECT_EQ(Progress::text(half, half, 0), "1,234,567 messages, 50 MB, 0.0 MB/s");
    const Passed files{.messages = 100, .octets = 1'000'000, .all_octets = {}, .files = 100, .all_files = 400};
    EXPECT_EQ(Progress::text(none, files, 20), "100 messages, 1 MB, 0.1 MB/s, 1:00 left");
}

} // namespace
} // namespace mgw::cli
