#include "lib/filter/each.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

using namespace mgw;
using namespace mgw::filter;
using namespace std::chrono_literals;

namespace
{

class Each : public testing::Test {
protected:
    void SetUp() override { ::signal(SIGPIPE, SIG_IGN); }
    static Result<EachAnswer> sh(const char* script, std::string_view message, EachLimits limits = {})
    {
        return run_each({"sh", "-c", script}, message, limits);
    }
};

TEST_F(Each, PassesOctetsAsTheyAre)
{
    std::string message("a\r\n\0\xFF", 5);
    message += std::string(1'000'000, 'x');
    const auto answer = sh("cat", message);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->output, message);
    EXPECT_EQ(answer->status, 0);
}

TEST_F(Each, DoesNotNeedAReaderOfTheWholeMessage)
{
    const auto answer = sh("echo done", std::string(1'000'000, 'x'));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->output, "done\n");
}

TEST_F(Each, TakesTheReasonFromStandardError)
{
    const auto answer = sh("echo 'too loud' >&2; echo more >&2; exit 77", "x");
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 77);
    EXPECT_EQ(answer->reason, "too loud");
}

struct Failure {
    const char* script;
    const char* want;
};

TEST_F(Each, SaysHowTheProgramFailed)
{
    for (const auto& [script, want] :
         {Failure{"exit 3", "sh failed, exit status 3"},
          Failure{"echo why >&2; exit 1", "sh failed, exit status 1: why"},
          Failure{"kill -9 $$", "sh failed, killed by signal 9"}, Failure{"cat >/dev/null", "sh printed nothing"},
          Failure{"exec sleep 60", "sh took longer than 300 ms"},
          Failure{"exec >&-; exec sleep 60", "sh did not end within 300 ms"},
          Failure{"yes", "sh printed more than 1000 octets"}}) {
        const auto answer = sh(script, "x", {.time = 300ms, .output_octets = 1000});
        ASSERT_FALSE(answer) << script;
        EXPECT_EQ(answer.error().message, want);
        EXPECT_EQ(answer.error().status, Status::temp_fail);
    }
}

TEST_F(Each, WhatAProgramStartedDiesWithIt)
{
    const std::string pid_file = testing::TempDir() + "each-" + std::to_string(::getpid());
    const std::string script = "sleep 60 & echo $! >" + pid_file + "; wait";
    ASSERT_FALSE(sh(script.c_str(), "x", {.time = 500ms}));
    std::ifstream in(pid_file);
    pid_t grandchild = 0;
    ASSERT_TRUE(in >> grandchild);
    std::filesystem::remove(pid_file);
    // gone, or dead and not yet waited for by whoever inherited it
    const auto state = [&] {
        std::string all;
        std::getline(std::ifstream("/proc/" + std::to_string(grandchild) + "/stat"), all);
        return all.empty() ? 'X' : all[all.rfind(')') + 2];
    };
    for (int i = 0; i < 100 && state() != 'X' && state() != 'Z'; ++i)
        std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(state() == 'X' || state() == 'Z') << state();
}

TEST_F(Each, AMissingProgramIsAFailure)
{
    EXPECT_FALSE(run_each({"/no/such/program"}, "x", {}));
}

TEST(Splice, NamesOnlyWhatDiffers)
{
    struct Case {
        std::string_view before, after;
        std::size_t offset, removed;
        std::string_view inserted;
    };
    for (const auto& c : {Case{"hello", "X: y\nhello", 0, 0, "X: y\n"}, Case{"aXb", "aYYb", 1, 1, "YY"},
                          Case{"aa", "aaa", 2, 0, "a"}, Case{"abc", "", 0, 3, ""}, Case{"", "abc", 0, 0, "abc"}}) {
        mail::Edits edits;
        splice_difference(c.before, c.after, edits);
        ASSERT_EQ(edits.splices().size(), 1U);
        EXPECT_EQ(edits.splices()[0].offset, c.offset);
        EXPECT_EQ(edits.splices()[0].removed, c.removed);
        EXPECT_EQ(edits.splices()[0].inserted, c.inserted);
        EXPECT_EQ(*edits.apply(c.before), c.after);
    }
    mail::Edits none;
    splice_difference("same", "same", none);
    EXPECT_TRUE(none.empty());
}

} // namespace
