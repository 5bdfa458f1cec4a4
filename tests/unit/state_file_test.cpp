#include "state_backend.hpp"

#include "lib/core/fd.hpp"

#include <fstream>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

namespace mgw::state
{
namespace
{

using namespace std::chrono_literals;

const Time now = Time{} + std::chrono::seconds(1795000000);

Result<std::unique_ptr<Store>> open_file(const std::string& path, std::uint64_t limit = 512U << 20)
{
    return open_store({.location = path, .timeout = 200ms, .limit_octets = limit});
}

void write(const std::string& path, std::string_view text)
{
    std::ofstream(path, std::ios::binary) << text;
}

void sql(const std::string& path, const char* statements)
{
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, statements, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
}

TEST(StateFile, IsMadeForItsOwnerAndKeepsWhatItHas)
{
    const Folder folder;
    const auto path = folder / "state";
    {
        const auto store = open_file(path);
        ASSERT_TRUE(store) << store.error().message;
        ASSERT_TRUE((*store)->put("k", "v", 1h, now));
        struct stat status {};
        ASSERT_EQ(::stat(path.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600U);
        EXPECT_EQ((*store)->describe(), path);
    }
    const auto again = open_file(path);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ((*again)->get("k", now)->value(), "v");
    write(folder / "empty", "");
    EXPECT_TRUE(open_file(folder / "empty"));
}

TEST(StateFile, KeepsWhatAKilledProcessHadWritten)
{
    const Folder folder;
    const auto path = folder / "state";
    const pid_t pid = ::fork();
    if (pid == 0) {
        const auto store = open_file(path);
        if (!store || !(*store)->put("k", "v", 1h, now))
            ::_exit(1);
        ::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto store = open_file(path);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ((*store)->get("k", now)->value(), "v");
}

TEST(StateFile, ManyProcessesMakeItAtOnce)
{
    for (int round = 0; round < 20; ++round) {
        const Folder folder;
        const auto path = folder / "state";
        std::vector<pid_t> children;
        for (int c = 0; c < 6; ++c) {
            const pid_t pid = ::fork();
            if (pid == 0) {
                const auto store = open_store({.location = path, .timeout = 5s});
                const auto count =
                    store ? (*store)->count("k", 1, 1h, now) : Result<std::uint64_t>(std::unexpected(store.error()));
                if (!count)
                    std::fprintf(stderr, "%s\n", count.error().message.c_str());
                ::_exit(count ? 0 : 1);
            }
            children.push_back(pid);
        }
        for (const pid_t pid : children) {
            int status = 0;
            ::waitpid(pid, &status, 0);
            EXPECT_EQ(status, 0);
        }
        const auto store = open_file(path);
        ASSERT_TRUE(store) << store.error().message;
        EXPECT_EQ(*(*store)->count("k", 0, 1h, now), 6U);
    }
}

struct ForeignCase {
    const char* name;
    std::string_view text;
    const char* statements;
    const char* message;
};
class ForeignFile : public testing::TestWithParam<ForeignCase> {};
TEST_P(ForeignFile, IsRefusedAndNotTouched)
{
    const Folder folder;
    const auto path = folder / "state";
    if (GetParam().statements == nullptr)
        write(path, GetParam().text);
    else
        sql(path, GetParam().statements);
    const auto before = *read_file(path);
    const auto store = open_file(path);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().status, Status::config);
    EXPECT_EQ(store.error().message, path + GetParam().message);
    EXPECT_EQ(*read_file(path), before);
    EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
}
INSTANTIATE_TEST_SUITE_P(
    All, ForeignFile,
    testing::Values(
        ForeignCase{"text", "From: a@b\n\nhi\n", nullptr, " is not a state file of mgw; it was not changed"},
        ForeignCase{"head_only", std::string_view("SQLite format 3\0", 16), nullptr,
                    " is not a state file of mgw; it was not changed"},
        ForeignCase{"other", "", "CREATE TABLE entries(a)", " is not a state file of mgw; it was not changed"},
        ForeignCase{"other_wal", "", "PRAGMA journal_mode=WAL; CREATE TABLE t(a)",
                    " is not a state file of mgw; it was not changed"},
        ForeignCase{"newer", "", "PRAGMA application_id=1835497331; PRAGMA user_version=2; CREATE TABLE t(a)",
                    " is a state file of version 2; this program knows version 1; it was not changed"},
        ForeignCase{"other_tables", "", "PRAGMA application_id=1835497331; PRAGMA user_version=1; CREATE TABLE t(a)",
                    " has tables that are not of mgw; it was not changed"}),
    [](const auto& i) { return std::string(i.param.name); });

TEST(StateFile, DamageIsAnErrorAndTheFileStays)
{
    const Folder folder;
    const auto path = folder / "state";
    {
        const auto store = open_file(path);
        ASSERT_TRUE(store) << store.error().message;
        for (int i = 0; i < 2000; ++i)
            ASSERT_TRUE((*store)->put("key" + std::to_string(i), std::string(100, 'v'), 1h, now));
    }
    auto octets = *read_file(path);
    ASSERT_GT(octets.size(), 100000U);
    std::fill(octets.begin() + 8192, octets.begin() + 40000, '\x5a');
    write(path, octets);
    const auto damaged = open_file(path);
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().status, Status::config);
    EXPECT_TRUE(damaged.error().message.contains("is damaged (")) << damaged.error().message;
    EXPECT_TRUE(damaged.error().message.ends_with("); it was not removed")) << damaged.error().message;
    EXPECT_EQ(*read_file(path), octets);
    octets.resize(octets.size() / 2); // cut
    write(path, octets);
    const auto cut = open_file(path);
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().status, Status::config) << cut.error().message;
    EXPECT_EQ(*read_file(path), octets);
}

TEST(StateFile, DamageUnderARunningProcessIsAnError)
{
    const Folder folder;
    const auto path = folder / "state";
    {
        const auto store = open_file(path);
        for (int i = 0; i < 1500; ++i)
            ASSERT_TRUE((*store)->put("key" + std::to_string(i), std::string(8000, 'v'), 1h, now));
    }
    const auto store = open_file(path);
    ASSERT_TRUE(store);
    auto octets = *read_file(path);
    std::fill(octets.begin() + 4096, octets.end(), '\x5a');
    const Fd file(::open(path.c_str(), O_WRONLY));
    ASSERT_EQ(::pwrite(file.value(), octets.data() + 4096, octets.size() - 4096, 4096),
              static_cast<ssize_t>(octets.size() - 4096));
    const auto got = (*store)->list("", now);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().status, Status::temp_fail);
}

TEST(StateFile, ALockIsAnErrorAndNotAHang)
{
    const Folder folder;
    const auto path = folder / "state";
    const auto store = open_file(path);
    ASSERT_TRUE(store);
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe);
    const pid_t pid = ::fork();
    if (pid == 0) {
        sqlite3* db = nullptr;
        if (sqlite3_open(path.c_str(), &db) != SQLITE_OK ||
            sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK)
            ::_exit(1);
        (void)!::write(pipe->second.value(), "x", 1);
        ::pause();
    }
    char ready = 0;
    ASSERT_EQ(::read(pipe->first.value(), &ready, 1), 1);
    const auto begin = std::chrono::steady_clock::now();
    const auto taken = (*store)->take("k", 1, {.limit = 1, .period = 1h, .burst = 1}, now);
    const auto took = std::chrono::steady_clock::now() - begin;
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().status, Status::temp_fail);
    EXPECT_TRUE(taken.error().message.ends_with("another process has it locked for longer than 200 ms"))
        << taken.error().message;
    EXPECT_LT(took, 2s);
    EXPECT_TRUE((*store)->get("k", now)); // readers do not wait
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_TRUE((*store)->take("k", 1, {.limit = 1, .period = 1h, .burst = 1}, now)->fits);
}

TEST(StateFile, WhatHasEndedIsRemoved)
{
    const Folder folder;
    const auto path = folder / "state";
    const auto store = open_file(path);
    ASSERT_TRUE(store);
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE((*store)->put("old" + std::to_string(i), "v", 1h, now));
    for (int i = 0; i < 1000; ++i)
        ASSERT_TRUE((*store)->put("new" + std::to_string(i), "v", 1h, now + 5h));
    // by the clock of an hour ago they would still be there
    EXPECT_TRUE((*store)->list("old", now, 10000)->empty());
    EXPECT_EQ((*store)->list("new", now + 5h, 10000)->size(), 1000U);
}

TEST(StateFile, DoesNotGrowBeyondItsLimit)
{
    const Folder folder;
    const auto path = folder / "state";
    const auto store = open_file(path, 1U << 20);
    ASSERT_TRUE(store);
    for (int i = 0; i < 20000; ++i)
        ASSERT_TRUE(
            (*store)->put("k" + std::to_string(i), std::string(400, 'v'), std::chrono::hours(1 + i / 100), now));
    EXPECT_LT(std::filesystem::file_size(path), 4U << 20);
    EXPECT_TRUE((*store)->get("k19999", now)->has_value());
    EXPECT_FALSE((*store)->get("k0", now)->has_value());
}

TEST(StateFile, PlacesThatAreNone)
{
    const Folder folder;
    EXPECT_EQ(open_file(folder / "none/state").error().status, Status::temp_fail);
    EXPECT_EQ(open_file("").error().status, Status::config);
    EXPECT_EQ(open_file(folder / "").error().status, Status::temp_fail);
    EXPECT_EQ(open_file("/dev/null").error().status, Status::config);
    EXPECT_EQ(open_file("rediss://h").error().message, "\"rediss://\" is not a kind of store");
    EXPECT_EQ(open_store({.location = folder / "s", .password_file = "/x"}).error().status, Status::config);
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder / "");
    EXPECT_TRUE(open_file(":memory:"));
    EXPECT_TRUE(std::filesystem::exists(":memory:"));
    std::filesystem::current_path(before);
}

} // namespace
} // namespace mgw::state
