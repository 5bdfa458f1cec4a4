#include "lib/cli/stage.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"

#include <csignal>
#include <fcntl.h>
#include <set>
#include <stdexcept>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace mgw;

namespace
{

/// Adds a field; misbehaves where the message says so.
class Probe : public cli::Stage {
public:
    Result<void> prepare(cli::Tool&) override { return {}; }
    Rights rights() const override { return {}; }
    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        if (subject.message.contains("please crash"))
            std::raise(SIGKILL);
        if (subject.message.contains("please hang"))
            ::pause();
        if (subject.message.contains("please throw"))
            throw std::runtime_error("thrown");
        if (subject.message.contains("please fail"))
            return fail(Status::temp_fail, "failed as asked");
        const mail::Message message(subject.message);
        subject.edits.prepend_field(message, "X-Probe: " + context.random.word(6));
        subject.block.add_result("probe", {{"size", std::to_string(subject.message.size())}});
        return {};
    }
};

struct Ran {
    Result<Status> status;
    std::string out;
};

class Run : public testing::Test {
protected:
    void SetUp() override
    {
        char pattern[] = "/tmp/mgw-unit.XXXXXX";
        folder_ = ::mkdtemp(pattern);
        ::setenv("XDG_STATE_HOME", folder_.c_str(), 1);
        ::setenv("SOURCE_DATE_EPOCH", "1764000000", 1);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Ran run(const std::string& in, cli::StageOptions options = {})
    {
        const std::string in_path = folder_ + "/in";
        const std::string out_path = folder_ + "/out";
        write(in_path, in);
        write(out_path, "");
        const Fd in_fd{::open(in_path.c_str(), O_RDONLY)};
        const Fd out_fd{::open(out_path.c_str(), O_WRONLY)};
        // one message is worked on in this very process, which must not be confined for the tests that follow
        std::string name = "probe";
        std::string sandbox = "--sandbox=off";
        std::string seed = "--seed=1";
        char* argv[] = {name.data(), sandbox.data(), seed.data(), nullptr};
        cli::Tool tool("probe", "a probe");
        EXPECT_FALSE(tool.parse(3, argv));
        Probe probe;
        auto status = cli::run_stage(tool, options, probe, in_fd.value(), out_fd.value());
        return Ran{std::move(status), *read_file(out_path)};
    }

    static void write(const std::string& path, const std::string& text)
    {
        const Fd fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600)};
        ASSERT_TRUE(write_all(fd.value(), text));
    }

    static std::string frame(const std::string& id, const std::string& message)
    {
        mail::Member member;
        member.block.set_id(id);
        member.block.set_from("a@example.net");
        member.block.add_recipient("1", "b@example.org");
        member.message = message;
        mail::Frame f{id, {}};
        f.members.push_back(std::move(member));
        return mail::frame_octets(f);
    }

    static std::vector<mail::Frame> frames(const std::string& octets)
    {
        mail::FrameReader reader;
        reader.feed(octets);
        std::vector<mail::Frame> out;
        while (auto f = reader.next()) {
            if (!*f)
                break;
            out.push_back(std::move(**f));
        }
        EXPECT_FALSE(reader.inside());
        return out;
    }

    std::string folder_;
};

constexpr const char* message = "From: a@example.net\nSubject: x\n\nhello\n";

TEST_F(Run, StampsABlockWithATagThatTheNextStageBelieves)
{
    const Ran first = run(message);
    ASSERT_TRUE(first.status) << first.status.error().message;
    EXPECT_TRUE(first.out.starts_with("Mgw-Id: "));
    EXPECT_TRUE(first.out.ends_with(message));
    const Ran second = run(first.out);
    ASSERT_TRUE(second.status);
    EXPECT_EQ(second.out.substr(0, second.out.find('\n')), first.out.substr(0, first.out.find('\n')));
    EXPECT_NE(second.out.find("Mgw-Result: probe size=38\nMgw-Result: probe size=54\n"), std::string::npos) << second.out;
}

TEST_F(Run, DoesNotBelieveABlockThatSomebodyTouched)
{
    Ran first = run(message);
    const auto at = first.out.find("size=");
    first.out[at + 5] = '9';
    const Ran second = run(first.out);
    ASSERT_TRUE(second.status);
    // the forged block is text of the message now, below a fresh one
    EXPECT_TRUE(second.out.ends_with(first.out));
}

TEST_F(Run, GivesTheSameOctetsTwice) { EXPECT_EQ(run(message).out, run(message).out); }

TEST_F(Run, KeepsAFromLineFirstAndCrlf)
{
    const Ran r = run("From a@example.net Tue Nov 24 05:47:35 2026\nA: b\r\n\r\nx\r\n");
    ASSERT_TRUE(r.status);
    EXPECT_TRUE(r.out.starts_with("From a@example.net Tue Nov 24 05:47:35 2026\nMgw-Id: ")) << r.out;
    EXPECT_NE(r.out.find("\r\nX-Probe: "), std::string::npos);
    EXPECT_EQ(r.out.find("Mgw-End: \n"), std::string::npos);
}

TEST_F(Run, EmptyInputIsTemporary)
{
    const Ran r = run("");
    ASSERT_FALSE(r.status);
    EXPECT_EQ(r.status.error().status, Status::temp_fail);
    EXPECT_EQ(r.out, "");
}

TEST_F(Run, OddMailPassesUnchanged)
{
    for (const std::string& odd : {std::string("\r\r\r\r"), std::string("no header here"), std::string("A: b\0c\n\nx", 9), std::string("A: b\n\n")}) {
        cli::StageOptions options;
        options.stream.block = cli::BlockMode::strip;
        const Ran r = run(odd, options);
        ASSERT_TRUE(r.status);
        EXPECT_TRUE(r.out.ends_with(odd));
    }
}

TEST_F(Run, AFailureLeavesStandardOutputEmpty)
{
    for (const std::string& what : {std::string("please fail"), std::string("please throw")}) {
        const Ran r = run(std::string(message) + what);
        ASSERT_FALSE(r.status);
        EXPECT_EQ(r.status.error().status, Status::temp_fail);
        EXPECT_EQ(r.out, "");
    }
}

TEST_F(Run, AnAllowedFailurePassesTheMessage)
{
    cli::StageOptions options;
    options.on_error = "pass";
    options.stream.block = cli::BlockMode::strip;
    const std::string text = std::string(message) + "please fail";
    const Ran r = run(text, options);
    ASSERT_TRUE(r.status);
    EXPECT_EQ(r.out, text);
}

TEST_F(Run, FramesComeBackEachOnce)
{
    std::string in;
    for (int i = 0; i < 100; ++i)
        in += frame("ID" + std::to_string(i), message);
    cli::StageOptions options;
    options.stream.input = cli::Kind::frames;
    const Ran r = run(in, options);
    ASSERT_TRUE(r.status) << r.status.error().message;
    const auto out = frames(r.out);
    ASSERT_EQ(out.size(), 100U);
    std::set<std::string> ids;
    for (const auto& f : out) {
        ids.insert(f.id);
        EXPECT_TRUE(f.members[0].message.starts_with("X-Probe: "));
        EXPECT_TRUE(f.members[0].block.result("probe", "size"));
    }
    EXPECT_EQ(ids.size(), 100U);
}

TEST_F(Run, AWorkerThatDiesOrHangsCostsOnlyItsMessage)
{
    for (const std::string& what : {std::string("please crash"), std::string("please hang")}) {
        const std::string in = frame("GOOD1", message) + frame("BAD", std::string(message) + what) + frame("GOOD2", message) + frame("GOOD3", message);
        cli::StageOptions options;
        options.stream.input = cli::Kind::frames;
        options.timeout = std::chrono::seconds{1};
        options.jobs = 2;
        const Ran r = run(in, options);
        ASSERT_TRUE(r.status) << r.status.error().message;
        const auto out = frames(r.out);
        ASSERT_EQ(out.size(), 4U);
        for (const auto& f : out) {
            const auto verdict = f.members[0].block.effective("1");
            EXPECT_EQ(verdict.action, f.id == "BAD" ? mail::Action::defer : mail::Action::accept) << f.id;
            EXPECT_EQ(f.members[0].message.ends_with(what), f.id == "BAD");
        }
    }
}

TEST_F(Run, ATruncatedFrameIsNotPassedOn)
{
    const std::string whole = frame("ONE", message);
    cli::StageOptions options;
    options.stream.input = cli::Kind::frames;
    for (const std::size_t cut : {std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
        const Ran r = run(whole + whole.substr(0, cut), options);
        ASSERT_FALSE(r.status);
        EXPECT_EQ(r.status.error().status, Status::temp_fail);
        EXPECT_EQ(frames(r.out).size(), 1U);
    }
}

TEST_F(Run, AnUntouchedMboxComesBackOctetForOctet)
{
    std::string mbox;
    for (int i = 0; i < 20; ++i)
        mbox += "From a@example.net Tue Nov 24 05:47:35 2026\nSubject: " + std::to_string(i) + "\n\n>From here\n>>From there\nplease fail\n\n";
    mbox += "From a@example.net Tue Nov 24 05:47:35 2026\nSubject: last\n\nplease fail"; // no line end
    cli::StageOptions options;
    options.stream.input = cli::Kind::mbox;
    options.stream.block = cli::BlockMode::strip;
    options.on_error = "pass";
    const Ran r = run(mbox, options);
    ASSERT_TRUE(r.status);
    EXPECT_EQ(r.status.value(), Status::temp_fail); // a message failed: it comes out unchanged, processing goes on
    EXPECT_EQ(r.out, mbox);
}

TEST_F(Run, MboxMessagesKeepTheirOrder)
{
    std::string mbox;
    for (int i = 0; i < 200; ++i)
        mbox += "From a@example.net Tue Nov 24 05:47:35 2026\nSubject: n" + std::to_string(i) + "\n\nx\n\n";
    cli::StageOptions options;
    options.stream.input = cli::Kind::mbox;
    options.stream.block = cli::BlockMode::strip;
    options.jobs = 4;
    const Ran r = run(mbox, options);
    ASSERT_TRUE(r.status);
    std::size_t at = 0;
    for (int i = 0; i < 200; ++i) {
        at = r.out.find("Subject: n" + std::to_string(i) + "\n", at);
        ASSERT_NE(at, std::string::npos) << i;
    }
}

} // namespace
