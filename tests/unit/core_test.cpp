#include "lib/core/clock.hpp"
#include "lib/core/command.hpp"
#include "lib/core/durable.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/key.hpp"
#include "lib/core/log.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/core/text.hpp"
#include "lib/core/ulid.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace mgw
{
namespace
{

using namespace std::string_literals;

/// A folder of its own for each test.
class Folder : public testing::Test {
protected:
    Folder()
    {
        std::string name = testing::TempDir() + "mgw-core.XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() override { std::filesystem::remove_all(path_); }
    std::string at(const std::string& name) const { return path_ + "/" + name; }
    static mode_t mode(const std::string& path)
    {
        struct stat st {};
        return ::stat(path.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
    }
    std::size_t entries() const
    {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
    }
    std::string path_;
};

TEST(Text, CodePointsAndUtf8)
{
    for (const char32_t c : {U'\0', U'A', U'\x7f', U'\x80', U'\x7ff', U'\x800', U'\xffff', U'\x10000', U'\x10ffff'}) {
        std::string octets;
        append_utf8(octets, c);
        EXPECT_EQ(is_ascii(octets), c < 128);
        EXPECT_TRUE(is_valid_utf8(octets));
        std::string_view rest = octets;
        EXPECT_EQ(take_code_point(rest), c);
        EXPECT_TRUE(rest.empty());
    }
}

TEST(Text, ComparesWithoutRegardToCase)
{
    EXPECT_TRUE(iequals("aBc", "AbC"));
    EXPECT_FALSE(iequals("abc", "abcd"));
    EXPECT_FALSE(iequals("\xE4", "\xC4")); // no locale
    EXPECT_FALSE(iequals("@", "`"));
    EXPECT_TRUE(istarts_with("Mgw-Id", "mGW-"));
    EXPECT_FALSE(istarts_with("Mg", "mgw"));
    EXPECT_TRUE(iends_with("a.TXT", ".txt"));
    EXPECT_EQ(ifind("xxAbC", "aBc"), 2U);
    EXPECT_EQ(ifind("abc", "d"), std::string_view::npos);
    EXPECT_EQ(ifind("abc", ""), 0U);
    EXPECT_EQ(to_lower("A\xC4Z["), "a\xC4z[");
}

TEST(Text, SplitsAndTrims)
{
    using Pieces = std::vector<std::string_view>;
    EXPECT_EQ(trim(" \t\r\n a b \n"), "a b");
    EXPECT_EQ(trim(" \r\n"), "");
    EXPECT_EQ(split("", ','), Pieces{""});
    EXPECT_EQ(split(",a,,", ','), (Pieces{"", "a", "", ""}));
    EXPECT_EQ(split_blanks("  a\t b  "), (Pieces{"a", "b"}));
    EXPECT_EQ(split_blanks(" \t"), Pieces{});
}

struct Number {
    std::string in;
    std::optional<std::uint64_t> number, size;
};
class Numbers : public testing::TestWithParam<Number> {};
TEST_P(Numbers, AreWhole)
{
    EXPECT_EQ(parse_number(GetParam().in), GetParam().number) << GetParam().in;
    EXPECT_EQ(parse_size(GetParam().in), GetParam().size) << GetParam().in;
}
constexpr auto none = std::nullopt;
INSTANTIATE_TEST_SUITE_P(Text, Numbers,
                         testing::Values(Number{"0", 0, 0}, Number{"007", 7, 7}, Number{"", none, none},
                                         Number{"-1", none, none}, Number{"+1", none, none}, Number{" 1", none, none},
                                         Number{"1 ", none, none}, Number{"1x", none, none}, Number{"0x10", none, none},
                                         Number{"18446744073709551615", UINT64_MAX, UINT64_MAX},
                                         Number{"18446744073709551616", none, none}, Number{"2k", none, 2048},
                                         Number{"3M", none, 3U << 20}, Number{"1g", none, 1U << 30},
                                         Number{"k", none, none}, Number{"1kk", none, none},
                                         Number{"17179869184G", none, none},
                                         Number{"17179869183G", none, 17179869183ULL << 30}, Number{"1.5k", none, none},
                                         Number{"1\0"s, none, none}));

TEST(Xtext, GoesBothWays)
{
    std::string all;
    for (int i = 0; i < 256; ++i)
        all += static_cast<char>(i);
    const auto text = xtext(all);
    for (const char c : text)
        EXPECT_TRUE(c > 32 && c < 127 && c != '=') << static_cast<int>(c);
    EXPECT_EQ(from_xtext(text), all);
    EXPECT_EQ(xtext("a+b=c d"), "a+2Bb+3Dc+20d");
    EXPECT_EQ(from_xtext("+4"), "+4");
    EXPECT_EQ(from_xtext("+zz+"), "+zz+");
    EXPECT_EQ(from_xtext("+4a+4A"), "JJ");
    EXPECT_EQ(percent_decode("%4a%4A+%zz%4"), "JJ+%zz%4");
    EXPECT_EQ(from_hex(hex(all)), all);
    EXPECT_EQ(from_hex("4A4a"), "JJ");
    EXPECT_EQ(from_hex(""), "");
    for (const char* wrong : {"4", "4g", "g4", "4a "})
        EXPECT_EQ(from_hex(wrong), std::nullopt) << wrong;
}

TEST(Printable, ReplacesWhatTerminalsObey)
{
    EXPECT_EQ(printable("a\x1B[31m\r\n\0b\x7F"s), "a?[31m???b?");
    EXPECT_EQ(printable("\xC3\xA4\xC2\x9B\xFF\xC3"), "\xC3\xA4???");
    EXPECT_EQ(printable("\xED\xA0\x80\xF4\x90\x80\x80\xC0\xAF"), "?????????"); // surrogate, too large, overlong
    EXPECT_EQ(printable("\xC3\xA4\xC3\xA4", 3), "\xC3\xA4");                   // no half character
    EXPECT_EQ(printable("abc", 0), "");
    EXPECT_EQ(printable_ascii("\xC3\xA4"
                              "a\n",
                              400),
              "??a?");
    EXPECT_EQ(printable_ascii("abcdef", 3), "abc");
    EXPECT_TRUE(is_valid_utf8("a\xF0\x9F\x98\x80"));
    EXPECT_FALSE(is_valid_utf8("\x80"));
    EXPECT_FALSE(is_valid_utf8("\xE2\x82"));
}

TEST(Text, ShowsWhatATerminalMustNotGet)
{
    EXPECT_EQ(shown("a\x1b[2J\x7f"), "a\\x1b[2J\\x7f");
    EXPECT_EQ(shown("\u009b\u202e\u061c"), "\\xc2\\x9b\\xe2\\x80\\xae\\xd8\\x9c");
    EXPECT_EQ(shown("caf\u00e9 \u20ac"), "caf\u00e9 \u20ac");
    // soft hyphen, zero width space, word joiner, byte order mark, variation selector, Hangul filler
    for (const char* unseen : {"\u00ad", "\u200b", "\u2060", "\ufeff", "\ufe0f", "\u3164", "\U000E0041", "\U000E01EF",
                               "\U0001D173", "\u034f", "\u180e", "\ufffb", "\u2028"}) {
        EXPECT_TRUE(is_ascii(shown(std::string("a") + unseen + "b"))) << shown(unseen);
        EXPECT_TRUE(is_ascii(json_text(unseen))) << shown(unseen);
    }
    EXPECT_EQ(shown("\U000E0041"), "\\xf3\\xa0\\x81\\x81");
    for (const char* seen : {"\u00ae", "\u200a", "\u2010", "\u2070", "\ufe10", "\ufffd", "\U000E1000", "\U0001F600"})
        EXPECT_EQ(shown(seen), seen);
    EXPECT_LE(shown(std::string(1000, '\x01'), 400).size(), 400U);
}

TEST(Text, JsonTextLosesNothing)
{
    EXPECT_EQ(json_text("a\"\\b\t\r\n/"), R"("a\"\\b\t\r\n/")");
    EXPECT_EQ(json_text(std::string("\0\x1b\x7f", 3)), R"("\u0000\u001b\u007f")");
    EXPECT_EQ(json_text("\u009b\u202e\u061c\u20ac\U0001F600"), "\"\\u009b\\u202e\\u061c\u20ac\U0001F600\"");
    EXPECT_EQ(json_text("\ufeff\U000E0041"), "\"\\ufeff\\udb40\\udc41\"");
    EXPECT_EQ(json_text("\xC3"), "\"?\"");
}

TEST(Ulid, SortsByTime)
{
    Random random{1};
    const Time t{std::chrono::milliseconds{1469918176385}};
    EXPECT_EQ(make_ulid(t, random).substr(0, 10), "01ARYZ6S41");
    std::string last;
    for (int i = 0; i < 100; ++i) {
        const auto one = make_ulid(t + std::chrono::milliseconds{i}, random);
        EXPECT_TRUE(is_ulid(one));
        EXPECT_LT(last, one);
        last = one;
    }
    EXPECT_NE(make_ulid(t, random), make_ulid(t, random));
    for (const char* bad : {"", "01ARYZ6S41", "81ARYZ6S41TSV4RRFFQ69G5FAV", "01ARYZ6S41TSV4RRFFQ69G5FAI",
                            "01aryz6s41tsv4rrffq69g5fav", "01ARYZ6S41TSV4RRFFQ69G5FAVX"})
        EXPECT_FALSE(is_ulid(bad)) << bad;
}

TEST(Clock, WritesDates)
{
    const Time t{std::chrono::microseconds{1764000000123456}};
    EXPECT_EQ(rfc3339(t), "2025-11-24T16:00:00.123456Z");
    EXPECT_EQ(rfc5322_date(t), "Mon, 24 Nov 2025 16:00:00 +0000");
    EXPECT_EQ(rfc3339(Time{}), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(unix_seconds(t), 1764000000);
    const char* before = std::getenv("SOURCE_DATE_EPOCH");
    const std::string kept = before != nullptr ? before : "";
    ::setenv("SOURCE_DATE_EPOCH", "1764000000", 1);
    EXPECT_EQ(unix_seconds(Clock::from_environment().now()), 1764000000);
    for (const char* bad : {"", "x", "-1", "99999999999999"}) {
        ::setenv("SOURCE_DATE_EPOCH", bad, 1);
        EXPECT_FALSE(Clock::from_environment().is_fixed()) << bad;
    }
    if (before != nullptr)
        ::setenv("SOURCE_DATE_EPOCH", kept.c_str(), 1);
    else
        ::unsetenv("SOURCE_DATE_EPOCH");
}

struct Command {
    std::string in;
    std::vector<Arguments> want; ///< empty: refused
};
class Commands : public testing::TestWithParam<Command> {};
TEST_P(Commands, AreSplitAsAShellWould)
{
    const auto got = split_pipeline(GetParam().in);
    if (GetParam().want.empty()) {
        ASSERT_FALSE(got) << GetParam().in;
        EXPECT_EQ(got.error().status, Status::config);
    } else {
        ASSERT_TRUE(got) << got.error().message;
        EXPECT_EQ(*got, GetParam().want) << GetParam().in;
    }
}
INSTANTIATE_TEST_SUITE_P(
    Pipelines, Commands,
    testing::Values(Command{"a b|c", {{"a", "b"}, {"c"}}}, Command{" a\t'b c' \"d|e\" ", {{"a", "b c", "d|e"}}},
                    Command{"a '' \"\"", {{"a", "", ""}}}, Command{"a\\ b \\| \\'", {{"a b", "|", "'"}}},
                    Command{"a'b'\"c\"d", {{"abcd"}}}, Command{"a \"\\\"\\\\\\n\"", {{"a", "\"\\\\n"}}},
                    Command{"a '\\'", {{"a", "\\"}}}, Command{"a '$(x)' \\$y", {{"a", "$(x)", "$y"}}}, Command{"", {}},
                    Command{" ", {}}, Command{"a|", {}}, Command{"|a", {}}, Command{"a||b", {}}, Command{"a 'b", {}},
                    Command{"a \"b", {}}, Command{"a;b", {}}, Command{"a&", {}}, Command{"a>b", {}}, Command{"a<b", {}},
                    Command{"a $b", {}}, Command{"a `b`", {}}, Command{"(a)", {}}));

TEST(Commands, OneIsNoPipeline)
{
    EXPECT_EQ(split_command("sh -c 'a | b'").value(), (Arguments{"sh", "-c", "a | b"}));
    EXPECT_FALSE(split_command("a | b"));
}

TEST(Hash, AgreesWithTheStandards)
{
    EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(Sha256{}.add("a").add("").add("bc").finish(), sha256("abc"));
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")), // RFC 4231
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex(hmac_sha256(std::string(131, '\xAA'), "Test Using Larger Than Block-Size Key - Hash Key First")),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
    EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xE3069283U);
    EXPECT_TRUE(equal_secret("ab", "ab"));
    EXPECT_FALSE(equal_secret("ab", "ac"));
    EXPECT_FALSE(equal_secret("ab", "abc"));
}

TEST(Random, IsRepeatableWithASeed)
{
    Random a{7};
    Random b{7};
    EXPECT_EQ(a.octets(33), b.octets(33));
    EXPECT_EQ(a.word(20).size(), 20U);
    EXPECT_EQ(Random{7}.fork("x").octets(16), Random{7}.fork("x").octets(16));
    EXPECT_NE(Random{7}.fork("x").octets(16), Random{7}.fork("y").octets(16));
    EXPECT_NE(Random{}.octets(16), Random{}.octets(16));
}

using Key = Folder;
TEST_F(Key, IsMadeOnceByWhoeverIsFirst)
{
    const auto path = at("new/folder/key");
    std::vector<std::string> keys(8);
    {
        std::vector<std::jthread> users;
        for (auto& key : keys)
            users.emplace_back([&] { key = load_key(path).value_or(""); });
    }
    for (const auto& key : keys) {
        EXPECT_EQ(key.size(), 32U);
        EXPECT_EQ(key, keys[0]);
    }
    EXPECT_EQ(mode(path), 0600U);
    EXPECT_EQ(mode(at("new/folder")), 0700U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(at("new/folder")), {}), 1); // no temporary file stays
}

TEST_F(Key, IsRefusedWhenOthersMayReadItOrItIsNoKey)
{
    const auto refused = [&](const std::string& path) {
        const auto key = load_key(path);
        return !key && key.error().status == Status::config;
    };
    ASSERT_TRUE(write_durably(at("open"), std::string(32, 'k'), 0644));
    EXPECT_TRUE(refused(at("open")));
    ASSERT_TRUE(write_durably(at("short"), std::string(31, 'k'), 0600));
    EXPECT_TRUE(refused(at("short")));
    ASSERT_TRUE(write_durably(at("long"), std::string(33, 'k'), 0600));
    EXPECT_TRUE(refused(at("long")));
    ASSERT_TRUE(write_durably(at("good"), std::string(32, 'k'), 0600));
    EXPECT_EQ(load_key(at("good")).value(), std::string(32, 'k'));
    ASSERT_EQ(::symlink(at("good").c_str(), at("link").c_str()), 0);
    EXPECT_TRUE(refused(at("link")));
    ASSERT_EQ(::mkdir(at("folder").c_str(), 0700), 0);
    EXPECT_TRUE(refused(at("folder")));
}

using Durable = Folder;
TEST_F(Durable, WholeOrNotAtAll)
{
    ASSERT_TRUE(write_durably(at("f"), "one", 0600));
    ASSERT_TRUE(write_durably(at("f"), std::string("t\0o", 3), 0640));
    EXPECT_EQ(read_file(at("f")).value(), std::string("t\0o", 3));
    EXPECT_EQ(mode(at("f")), 0640U);
    EXPECT_EQ(entries(), 1U);
    EXPECT_FALSE(write_durably(at("no/f"), "x"));
    ASSERT_EQ(::mkdir(at("d").c_str(), 0700), 0);
    EXPECT_FALSE(write_durably(at("d"), "x")); // a folder stands there
    EXPECT_EQ(entries(), 2U);
    EXPECT_FALSE(read_file(at("f"), 2));
    EXPECT_FALSE(read_file(at("none")));
}

TEST_F(Durable, MakesFoldersWithTheirMode)
{
    ASSERT_TRUE(make_directories(at("a/b/c/"), 0700));
    EXPECT_EQ(mode(at("a/b/c")), 0700U);
    EXPECT_TRUE(make_directories(at("a/b/c")));
    ASSERT_TRUE(write_durably(at("f"), "x"));
    EXPECT_FALSE(make_directories(at("f")));
    EXPECT_FALSE(make_directories(at("f/g")));
    EXPECT_TRUE(make_directories("/"));
    EXPECT_TRUE(make_directories("//"));
}

TEST(Record, IsOneLineOfJson)
{
    Record r;
    r.text("a", "x\"\\\n\x1B\xFF")
        .number("n", -5)
        .real("r", 1.5)
        .flag("f", true)
        .list("l", {"1", "2\r"})
        .address("to", "A@b");
    EXPECT_EQ(r.json(), R"({"a":"x\"\\???","n":-5,"r":1.500,"f":true,"l":["1","2?"],"to":"A@b"})");
    EXPECT_EQ(Record{}.json(), "{}");
    Record nan;
    nan.real("x", 0.0 / 0.0 * 1).text("long", std::string(5000, 'x'));
    EXPECT_TRUE(nan.json().starts_with("{\"x\":null,"));
    EXPECT_LT(nan.json().size(), 1100U);
    const auto hidden = r.json("salt");
    EXPECT_EQ(hidden.find("A@b"), std::string::npos);
    EXPECT_EQ(hidden, Record::unpack(r.pack()).json("salt"));
    Record same;
    same.address("to", "a@B"); // the same mailbox in other letters
    EXPECT_EQ(hidden.substr(hidden.find("h:"), 18), same.json("salt").substr(same.json("salt").find("h:"), 18));
}

TEST(Record, SurvivesThePackWhateverItHolds)
{
    Record r;
    r.text("k", "a:b\0c"s).list("l", {}).addresses("to", {"", "a@b"}).number("n", 1);
    EXPECT_EQ(Record::unpack(r.pack()).json(), r.json());
    const auto packed = r.pack();
    for (std::size_t n = 0; n < packed.size(); ++n)
        (void)Record::unpack(packed.substr(0, n)).json(); // a worker that died in the middle
    for (const char* bad : {"x", "v1:k1:13:}{}", "t1:k1:0", "l1:k20:99999999999999999999", "t99:k"})
        EXPECT_EQ(Record::unpack(bad).json().find("}{"), std::string::npos) << bad;
}

using Logs = Folder;
TEST_F(Logs, AppendWholeLines)
{
    auto log = Log::open(at("log"), "mgw-x", false);
    ASSERT_TRUE(log);
    Record r;
    r.text("id", "1");
    log->write(Time{}, r);
    log->write(Time{}, r);
    const auto text = read_file(at("log")).value();
    EXPECT_EQ(std::ranges::count(text, '\n'), 2);
    EXPECT_TRUE(text.starts_with("{\"time\":\"1970-01-01T00:00:00.000000Z\",\"host\":\""));
    EXPECT_NE(text.find("\"tool\":\"mgw-x\",\"id\":\"1\"}\n"), std::string::npos);
    EXPECT_EQ(log->failures(), 0U);
    const auto bad = Log::open(at("no/such/folder"), "mgw-x", false);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().status, Status::config);
    auto full = Log::open("/dev/full", "mgw-x", false);
    ASSERT_TRUE(full);
    full->write(Time{}, r);
    EXPECT_EQ(full->failures(), 1U); // counted, nothing else
    EXPECT_FALSE(Log::open("", "mgw-x", false)->is_open());
}

/// Runs `check` in a confined child; what it returns.
int confined(const Rights& rights, const std::function<int()>& check)
{
    const pid_t pid = ::fork();
    if (pid == 0) {
        if (!confine(rights, SandboxMode::require))
            ::_exit(99);
        ::_exit(check());
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
int open_errno(const std::string& path, int flags)
{
    const Fd fd{::open(path.c_str(), flags | O_CLOEXEC, 0600)};
    return fd ? 0 : errno;
}

class Sandbox : public Folder {
protected:
    void SetUp() override
    {
        if (landlock_abi() == 0)
            GTEST_SKIP() << "this kernel has no Landlock";
        ASSERT_TRUE(write_durably(at("file"), "hello"));
        ASSERT_TRUE(make_directories(at("in")));
        ASSERT_TRUE(make_directories(at("out")));
        rights_.read = {at("file"), at("not there")};
        rights_.write = {at("in")};
    }
    Rights rights_;
};

TEST_F(Sandbox, TakesTheNetworkAway)
{
    EXPECT_EQ(confined(rights_, [] { return ::socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0; }), EPERM);
    EXPECT_EQ(confined(rights_, [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0; }), EPERM);
    EXPECT_EQ(confined(rights_, [] { return ::socket(AF_NETLINK, SOCK_RAW, 0) < 0 ? errno : 0; }), EPERM);
    Rights network = rights_;
    network.network = true;
    EXPECT_EQ(confined(network, [] { return ::socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0; }), 0);
    EXPECT_EQ(confined(network, [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0; }), EPERM);
    Rights local = rights_;
    local.unix_sockets = true;
    EXPECT_EQ(confined(local, [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? errno : 0; }), 0);
    EXPECT_EQ(confined(local, [] { return ::socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0; }), EPERM);
}

TEST_F(Sandbox, LeavesOnlyTheFilesThatAreNamed)
{
    const auto tries = [&](const std::string& path, int flags) {
        return confined(rights_, [=] { return open_errno(path, flags); });
    };
    EXPECT_EQ(tries("/etc/shadow", O_RDONLY), EACCES);
    EXPECT_EQ(tries("/etc/passwd", O_RDONLY), EACCES);
    EXPECT_EQ(tries(path_, O_RDONLY | O_DIRECTORY), EACCES);
    EXPECT_EQ(tries(at("file"), O_RDONLY), 0);
    EXPECT_EQ(tries(at("file"), O_WRONLY), EACCES);
    EXPECT_EQ(tries(at("out/new"), O_WRONLY | O_CREAT), EACCES);
    EXPECT_EQ(tries(at("in/../out/new"), O_WRONLY | O_CREAT), EACCES);
    EXPECT_EQ(tries(at("in/new"), O_RDWR | O_CREAT), 0);
    EXPECT_EQ(confined(rights_, [&] { return ::rename(at("in/new").c_str(), at("in/old").c_str()); }), 0);
    EXPECT_EQ(confined(rights_, [&] { return ::unlink(at("in/old").c_str()); }), 0);
    EXPECT_EQ(confined(rights_, [&] { return ::unlink(at("file").c_str()) == 0 ? 0 : errno; }), EACCES);
}

TEST_F(Sandbox, StartsNoProgramsAndTracesNobody)
{
    EXPECT_EQ(confined(rights_,
                       [] {
                           ::execl("/bin/true", "true", nullptr);
                           return errno;
                       }),
              EPERM);
    EXPECT_EQ(confined(rights_, [] { return ::chroot("/") == 0 ? 0 : errno; }), EPERM);
    EXPECT_EQ(confined(rights_, [] { return ::setuid(0) == 0 ? 0 : errno; }), EPERM);
}

TEST_F(Sandbox, IsInheritedAndSaysWhatIsInForce)
{
    EXPECT_EQ(confined(rights_,
                       [&] {
                           const pid_t pid = ::fork();
                           if (pid == 0)
                               ::_exit(open_errno("/etc/passwd", O_RDONLY));
                           int status = 0;
                           ::waitpid(pid, &status, 0);
                           return WEXITSTATUS(status);
                       }),
              EACCES);
    EXPECT_EQ(confine(rights_, SandboxMode::off).value(), "off");
    EXPECT_EQ(open_errno("/etc/passwd", O_RDONLY), 0);
}

} // namespace
} // namespace mgw
