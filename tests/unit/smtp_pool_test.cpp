#include "lib/smtp/client_pool.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <stdlib.h>

using namespace mgw::smtp;
namespace fs = std::filesystem;

namespace
{

/// The scripted server of tests/data/send, until this object ends.
class Server {
public:
    explicit Server(const std::string& arguments)
    {
        char name[] = "/tmp/mgw-pool-XXXXXX";
        folder = ::mkdtemp(name);
        // its standard input is our pipe; what it prints goes into a file
        pipe_ = ::popen(("exec python3 " MGW_TEST_DATA "/send/server.py --out " + folder + " " + arguments + " >" +
                         folder + "/port")
                            .c_str(),
                        "w");
        for (int i = 0; i < 200 && port.empty(); ++i) {
            std::getline(std::ifstream(folder + "/port") >> std::ws, port);
            ::usleep(20000);
        }
    }
    ~Server()
    {
        ::pclose(pipe_);
        fs::remove_all(folder);
    }
    Server(const Server&) = delete;

    Destination destination() const { return *parse_destination("smtp:[127.0.0.1]:" + port); }
    std::string read(const std::string& name) const
    {
        std::ifstream in(folder + "/" + name);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    std::string folder;
    std::string port;

private:
    std::FILE* pipe_ = nullptr;
};

const std::string message = "Subject: x\n\n.dot\nlast";

class Sending {
public:
    explicit Sending(PoolOptions options = quick()) : pool_(std::move(options), resolvers(), {"me.example", {}})
    {
        EXPECT_TRUE(pool_.prepare());
    }

    static PoolOptions quick()
    {
        PoolOptions o;
        o.helo = "me.example";
        o.reply_timeout = o.connect_timeout = std::chrono::seconds(1);
        return o;
    }
    static std::vector<std::unique_ptr<mgw::dns::Resolver>> resolvers()
    {
        std::vector<std::unique_ptr<mgw::dns::Resolver>> all;
        all.push_back(std::move(*mgw::dns::parse_zone("@ 60 IN SOA a. b. 1 1 1 1 1\n", "test")));
        return all;
    }

    void add(const Destination& to, const std::vector<std::string>& recipients, bool may_commit = true)
    {
        Delivery d{to, {"a@x.example", "", {}, message, survey(message)}, [may_commit] { return may_commit; }, {}};
        for (const auto& r : recipients)
            d.mail.recipients.push_back({r, ""});
        const std::size_t place = results.size();
        results.emplace_back();
        d.done = [this, place](std::vector<Outcome> o) { results[place] = std::move(o); };
        pool_.deliver(std::move(d));
    }
    void run()
    {
        pool_.finish();
        pool_.run();
    }
    Pool& pool() { return pool_; }
    std::vector<std::vector<Outcome>> results;

private:
    Pool pool_;
};

TEST(Pool, DeliversToSeveralRecipientsAtOnce)
{
    const Server server("");
    Sending s;
    s.add(server.destination(), {"b@y.example", "reject@y.example", "defer@y.example", "full@y.example"});
    s.run();
    ASSERT_EQ(s.results[0].size(), 4U);
    EXPECT_EQ(s.results[0][0].code, 250);
    EXPECT_NE(s.results[0][0].text.find("queued as 1"), std::string::npos) << s.results[0][0].text;
    EXPECT_EQ(s.results[0][1].code, 550);
    EXPECT_EQ(s.results[0][1].text,
              "127.0.0.1:" + server.port + " said: 550 5.1.1 no such user? here (in reply to RCPT TO)");
    EXPECT_EQ(s.results[0][2].code, 450);
    EXPECT_EQ(s.results[0][3].code, 452);
    EXPECT_EQ(server.read("1.eml"), "Subject: x\r\n\r\n.dot\r\nlast\r\n");
}

struct Hostile {
    const char* name;
    const char* arguments;
    int code;
    const char* enhanced;
};
class Servers : public testing::TestWithParam<Hostile> {};
TEST_P(Servers, GiveADecidedAnswerInTime)
{
    const Server server(GetParam().arguments);
    Sending s;
    const auto begun = std::chrono::steady_clock::now();
    s.add(server.destination(), {"b@y.example"});
    s.run();
    ASSERT_EQ(s.results[0].size(), 1U);
    EXPECT_EQ(s.results[0][0].code, GetParam().code) << s.results[0][0].text;
    EXPECT_EQ(s.results[0][0].enhanced, GetParam().enhanced) << s.results[0][0].text;
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}
INSTANTIATE_TEST_SUITE_P(Table, Servers,
                         testing::Values(Hostile{"without_ehlo", "--mode no-ehlo", 250, "2.0.0"},
                                         Hostile{"without_pipelining", "--mode no-pipelining", 250, "2.0.0"},
                                         Hostile{"that_drop_after_the_dot", "--mode drop-after-dot", 451, "4.4.2"},
                                         Hostile{"that_refuse_content", "--mode content", 554, "5.7.1"},
                                         Hostile{"that_refuse_the_sender", "--mode no-sender", 550, "5.7.1"},
                                         Hostile{"that_close_at_data", "--mode close-at-data", 421, "4.3.2"},
                                         Hostile{"that_greet_for_ever", "--mode endless", 451, "4.5.0"},
                                         Hostile{"that_send_a_line_without_end", "--mode long-line", 451, "4.5.0"},
                                         Hostile{"that_speak_http", "--mode http", 451, "4.5.0"},
                                         Hostile{"that_say_nothing", "--mode silent", 451, "4.4.2"},
                                         Hostile{"that_are_busy", "--mode greet-421", 421, "4.3.2"},
                                         Hostile{"that_send_us_away", "--mode greet-554", 554, "5.7.1"},
                                         Hostile{"that_take_little", "--mode small", 250, "2.0.0"},
                                         Hostile{"whose_tls_is_garbage", "--mode tls-garbage", 250, "2.0.0"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Pool, NobodyThere)
{
    Sending s;
    s.add(*parse_destination("smtp:[127.0.0.1]:1"), {"b@y.example"});
    s.run();
    EXPECT_EQ(s.results[0][0].enhanced, "4.4.1");
}

TEST(Pool, ReusesConnectionsWithinItsLimits)
{
    const Server server("--mode slow");
    auto options = Sending::quick();
    options.per_destination = 2;
    Sending s(options);
    for (int i = 0; i < 8; ++i)
        s.add(server.destination(), {"b@y.example"});
    s.run();
    for (const auto& r : s.results)
        EXPECT_EQ(r.at(0).code, 250) << r[0].text;
    EXPECT_EQ(server.read("connections"), "2\n");
}

TEST(Pool, ReplacesAConnectionThatDiedUnused)
{
    const Server server("--mode stale");
    auto options = Sending::quick();
    options.per_destination = 1;
    Sending s(options);
    for (int i = 0; i < 3; ++i)
        s.add(server.destination(), {"b@y.example"});
    s.run();
    for (const auto& r : s.results)
        EXPECT_EQ(r.at(0).code, 250) << r[0].text;
    EXPECT_EQ(server.read("connections"), "3\n");
}

TEST(Pool, LeavesOutTheFinalDotWhenItIsTooLate)
{
    const Server server("");
    auto options = Sending::quick();
    Sending s(options);
    s.add(server.destination(), {"b@y.example"}, false);
    s.run();
    EXPECT_EQ(s.results[0][0].enhanced, "4.4.7");
    EXPECT_FALSE(fs::exists(server.folder + "/1.eml"));
}

TEST(Pool, SpeaksLmtpOverAUnixSocket)
{
    const Server server("--lmtp --unix /tmp/mgw-pool-lmtp-$$");
    Sending s;
    s.add(*parse_destination("lmtp:unix:" + server.port), {"b@y.example", "quota@y.example"});
    s.run();
    EXPECT_EQ(s.results[0][0].code, 250) << s.results[0][0].text;
    EXPECT_EQ(s.results[0][1].code, 550);
    fs::remove(server.port);
}

TEST(Pool, EncryptsAndVerifies)
{
    char name[] = "/tmp/mgw-cert-XXXXXX";
    const std::string folder = ::mkdtemp(name);
    const std::string make = "cd " + folder +
                             " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k "
                             "-out c -days 3000 -subj /CN=test.example "
                             "-addext subjectAltName=IP:127.0.0.1 2>/dev/null && cat k c >pem";
    ASSERT_EQ(::system(make.c_str()), 0);
    const Server server("--cert " + folder + "/pem");
    auto options = Sending::quick();
    options.reply_timeout = std::chrono::seconds(5);
    const auto send = [&](TlsLevel level, const std::string& ca) {
        options.tls.standard = level;
        options.tls_ca = ca;
        Sending s(options);
        s.add(server.destination(), {"b@y.example"});
        s.run();
        return s.results[0].at(0);
    };
    EXPECT_EQ(send(TlsLevel::may, "").code, 250);
    EXPECT_EQ(server.read("1.env").substr(0, 5), "(TLS)");
    EXPECT_EQ(send(TlsLevel::none, "").code, 250);
    EXPECT_NE(server.read("2.env").substr(0, 5), "(TLS)");
    EXPECT_EQ(send(TlsLevel::verify, folder + "/c").code, 250);
    const auto other = folder + "/other";
    ASSERT_EQ(::system(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout " + folder +
                        "/k2 -out " + other + " -days 3000 -subj /CN=o 2>/dev/null")
                           .c_str()),
              0);
    const auto refused = send(TlsLevel::verify, other);
    EXPECT_EQ(refused.code, 451);
    EXPECT_EQ(refused.enhanced, "4.7.5") << refused.text;
    EXPECT_FALSE(fs::exists(server.folder + "/4.eml"));
    fs::remove_all(folder);
}

TEST(Pool, DoesNotSendInClearWhereTlsIsRequired)
{
    const Server server("");
    auto options = Sending::quick();
    options.tls.standard = TlsLevel::encrypt;
    Sending s(options);
    s.add(server.destination(), {"b@y.example"});
    s.run();
    EXPECT_EQ(s.results[0][0].enhanced, "4.7.4");
}

} // namespace
