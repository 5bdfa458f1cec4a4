// The door as a process, asked over its link by an event loop as the front has one.
#include "lib/smtp/door_link.hpp"
#include "lib/smtp/door_process.hpp"

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mgw::smtp
{
namespace
{

class DoorProcess : public testing::Test {
protected:
    DoorProcess()
    {
        list_ = testing::TempDir() + "door-process-" + std::to_string(::getpid());
        write("192.0.2.0/24 old\n");
        options.plan.networks = {{list_, lists::CidrKind::deny}};
        options.dns.zone = list_ + ".zone";
        std::ofstream(options.dns.zone) << "x.example A 192.0.2.1\n";
        options.threads = 3;
        options.complain = [](const Error& error) { std::fputs((error.message + "\n").c_str(), stderr); };
        auto pair = make_door_link();
        front_end_ = std::move(pair->first);
        door_end_ = std::move(pair->second);
    }
    ~DoorProcess() override { stop(); }

    void write(const std::string& text) { std::ofstream(list_) << text; }
    void start()
    {
        auto pair = make_socket_pair();
        pid_ = ::fork();
        if (pid_ == 0) {
            pair->first.reset();
            ::signal(SIGHUP, SIG_IGN);
            const auto ended = run_door(options, std::move(door_end_), std::move(pair->second));
            ::_exit(ended ? 0 : 1);
        }
        control_ = std::move(pair->first);
    }
    /// Its exit status, -1 where it was killed.
    int stop(int signal = 0)
    {
        if (pid_ < 0)
            return 0;
        if (signal != 0)
            ::kill(pid_, signal);
        control_.reset();
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    void reload() { ASSERT_EQ(::send(control_.value(), &door_reload, 1, 0), 1); }

    std::unique_ptr<DoorClient> link(DoorLinkOptions wanted = {})
    {
        return open_door_link(io_, Fd{::dup(front_end_.value())}, std::move(wanted));
    }
    DoorAnswer ask(DoorClient& door, DoorPoint at = DoorPoint::connect, const std::string& ip = "192.0.2.7")
    {
        DoorQuestion question;
        question.at = at;
        question.session = "S" + std::to_string(++sessions_);
        question.ip = ip;
        std::optional<DoorAnswer> out;
        door.ask(question, [&](DoorAnswer answer) { out = std::move(answer); });
        while (!out) {
            io_.run_for(std::chrono::milliseconds(5));
            io_.restart();
            door.tick();
        }
        return *out;
    }

    DoorProcessOptions options;
    boost::asio::io_context io_;

private:
    std::string list_;
    Fd front_end_;
    Fd door_end_;
    Fd control_;
    pid_t pid_ = -1;
    int sessions_ = 0;
};

TEST_F(DoorProcess, AnswersAndEndsWithItsSupervisor)
{
    start();
    const auto door = link();
    EXPECT_EQ(ask(*door).reply.text, "Mail from 192.0.2.7 is not taken: old (rule deny)");
    EXPECT_EQ(ask(*door, DoorPoint::connect, "198.51.100.1").action, DoorAction::pass);
    EXPECT_EQ(stop(), 0);
}

TEST_F(DoorProcess, AnswersManyAtOnceEachToItsQuestion)
{
    start();
    const auto door = link();
    int right = 0;
    constexpr int many = 2000;
    for (int i = 0; i < many; ++i) {
        DoorQuestion question;
        question.session = std::to_string(i);
        question.ip = i % 2 == 0 ? "192.0.2.7" : "198.51.100.1";
        door->ask(question, [&, i](const DoorAnswer& answer) {
            right += (answer.action == DoorAction::close) == (i % 2 == 0) && answer.facts.at(0).first == "iprev";
        });
    }
    for (int i = 0; i < 4000 && right < many; ++i) {
        io_.run_for(std::chrono::milliseconds(5));
        io_.restart();
    }
    EXPECT_EQ(right, many);
}

TEST_F(DoorProcess, ReadsItsListsAgainAndKeepsTheOldOnesWhereTheNewAreWrong)
{
    start();
    const auto door = link();
    ask(*door);
    const auto becomes = [&](const std::string& text) {
        for (int i = 0; i < 400; ++i)
            if (ask(*door).reply.text == text)
                return true;
        return false;
    };
    write("192.0.2.7 new\n");
    reload();
    EXPECT_TRUE(becomes("Mail from 192.0.2.7 is not taken: new (rule deny)"));
    write("nonsense\n");
    reload();
    EXPECT_FALSE(becomes(""));
    write("");
    reload();
    EXPECT_TRUE(becomes(""));
}

TEST_F(DoorProcess, ADoorThatDiesIsPassedAndItsSuccessorGoesOn)
{
    start();
    const auto door = link({.deadline = std::chrono::milliseconds(300), .defers_recipients = true});
    ask(*door);
    EXPECT_EQ(stop(SIGKILL), -1);
    const auto answer = ask(*door);
    EXPECT_EQ(answer.action, DoorAction::pass);
    ASSERT_EQ(answer.facts.size(), 1U);
    EXPECT_EQ(answer.facts[0], (std::pair<std::string, std::string>("door", "late")));
    const auto recipient = ask(*door, DoorPoint::recipient);
    EXPECT_EQ(recipient.action, DoorAction::defer);
    EXPECT_EQ(recipient.reply.code, 451);
    start();
    EXPECT_EQ(ask(*door).action, DoorAction::close);
}

TEST_F(DoorProcess, MayDeferAllThatItCannotAnswer)
{
    const auto door = link({.deadline = std::chrono::milliseconds(20), .defers = true, .defers_recipients = false});
    EXPECT_EQ(ask(*door).action, DoorAction::close);
    EXPECT_EQ(ask(*door).reply.code, 421);
    EXPECT_EQ(ask(*door, DoorPoint::mail).reply.code, 451);
    EXPECT_EQ(ask(*door, DoorPoint::recipient).reply.code, 451);
    EXPECT_EQ(ask(*door, DoorPoint::hello).action, DoorAction::pass);
}

TEST_F(DoorProcess, DoesNotStartWithAListThatIsWrong)
{
    write("nonsense\n");
    start();
    EXPECT_EQ(stop(), 1);
    const auto checked = check_door(options, true, [](const std::string&) {});
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().status, Status::config);
}

TEST_F(DoorProcess, ItsCheckTestsTheDnsLists)
{
    options.plan.dnsbl = {"bl.example 127.0.0.2=SPAM:reject"};
    const auto checked = check_door(options, true, [](const std::string&) {});
    ASSERT_FALSE(checked);
    EXPECT_TRUE(checked.error().message.starts_with("DNS list bl.example: ")) << checked.error().message;
    std::ofstream(options.dns.zone) << "2.0.0.127.bl.example A 127.0.0.2\n";
    EXPECT_TRUE(check_door(options, true, [](const std::string&) {}));
}

} // namespace
} // namespace mgw::smtp
