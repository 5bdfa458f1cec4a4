#include "lib/cli/operands.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace mgw::cli
{
namespace
{

namespace fs = std::filesystem;

class Maildir : public testing::Test {
protected:
    void SetUp() override
    {
        std::string name = "/tmp/mgw-operands-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        path_ = name;
        for (const char* sub : {"/new", "/cur", "/tmp"})
            fs::create_directory(name + sub);
    }
    void TearDown() override { fs::remove_all(path_); }

    void fill(int messages, const std::string& sub)
    {
        for (int i = 0; i < messages; ++i)
            std::ofstream(path_ + sub + number(i)) << "Subject: x\n\nx\n";
    }
    static std::string number(int i) { return "1000" + std::to_string(1000000 + i) + ".host"; }
    /// Without folder and flags.
    static std::string unique(const std::string& path)
    {
        const auto name = path.substr(path.rfind('/') + 1);
        return name.substr(0, name.find(':'));
    }
    std::multiset<std::string> listed()
    {
        std::multiset<std::string> out;
        Operands operands({path_});
        for (auto next = operands.next(); next && *next; next = operands.next())
            out.insert(unique((*next)->path));
        return out;
    }

    std::string path_;
};

TEST_F(Maildir, LosesNoneThatIsRenamedWhileItIsListed)
{
    constexpr int messages = 1500; // more than one call for a folder's entries gives
    fill(messages, "/cur/");
    std::atomic<bool> ends = false;
    std::thread renamer([&] {
        const std::string flags[] = {"", ":2,", ":2,S", ":2,RS", ":2,FRS"};
        for (int round = 0; !ends; ++round)
            for (int i = 0; i < messages && !ends; ++i) {
                const auto name = path_ + "/cur/" + number(i);
                (void)::rename((name + flags[round % 5]).c_str(), (name + flags[(round + 1) % 5]).c_str());
            }
    });
    int wrong = 0;
    for (int i = 0; i < 6; ++i) {
        const auto all = listed();
        wrong += all.size() != messages || std::set(all.begin(), all.end()).size() != messages;
    }
    ends = true;
    renamer.join();
    EXPECT_EQ(wrong, 0);
}

TEST_F(Maildir, ManyThatMovedAtOnceAreFoundInLinearTime)
{
    constexpr int messages = 2000;
    fill(messages, "/new/");
    Operands operands({path_});
    auto next = operands.next();
    ASSERT_TRUE(next && *next);
    for (int i = 0; i < messages; ++i)
        fs::rename(path_ + "/new/" + number(i), path_ + "/cur/" + number(i) + ":2,S");
    const auto begin = std::chrono::steady_clock::now();
    int found = 0;
    for (; next && *next; next = operands.next()) {
        const auto moved = operands.find_moved((*next)->path);
        found += moved && *moved && fs::exists(**moved) && unique(**moved) == unique((*next)->path);
    }
    EXPECT_EQ(found, messages);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(Maildir, WhatWasRemovedIsGone)
{
    fill(3, "/new/");
    Operands operands({path_});
    const auto first = operands.next();
    ASSERT_TRUE(first && *first);
    fs::remove((*first)->path);
    const auto gone = operands.find_moved((*first)->path);
    ASSERT_TRUE(gone);
    EXPECT_FALSE(*gone);
}

TEST_F(Maildir, TwoFilesOfOneUniqueNameAreTwoMessages)
{
    fill(1, "/new/");
    fill(1, "/cur/");
    EXPECT_EQ(listed().size(), 2U);
    fs::remove(path_ + "/cur/" + number(0));
    fs::create_hard_link(path_ + "/new/" + number(0), path_ + "/cur/" + number(0) + ":2,");
    EXPECT_EQ(listed().size(), 1U); // on the way from one to the other
}

} // namespace
} // namespace mgw::cli
