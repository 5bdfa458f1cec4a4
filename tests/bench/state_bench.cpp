// What the door's lists and state cost: a million networks loaded and asked, and takes from a rate a second, alone and
// by four processes at once, in memory, SQLite and Redis; beside Redis the bare PING of the same link, beside SQLite
// bare transactions of one row. Usage: state_bench FOLDER [REDIS-LOCATION] [SECONDS]
#include "lib/lists/cidr.hpp"
#include "lib/state/greylist.hpp"
#include "lib/state/redis_link.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <random>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

using namespace mgw;
using SteadyClock = std::chrono::steady_clock;
double seconds = 2;

double since(SteadyClock::time_point begin)
{
    return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

double cpu_since(std::clock_t begin)
{
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

struct Speed {
    double rate = 0; ///< calls a second, all processes together
    double cpu = 0;  ///< microseconds of CPU for one call, without a server's
};

/// Measures `act`, which is made anew in each of `processes` processes.
Speed speed_of(unsigned processes, const std::function<std::function<bool(unsigned)>()>& make)
{
    int ends[2];
    if (::pipe(ends) != 0)
        return {};
    for (unsigned p = 0; p < processes; ++p)
        if (::fork() == 0) {
            const auto act = make();
            unsigned count = 0;
            const auto begin = SteadyClock::now();
            const auto cpu = std::clock();
            while (since(begin) < seconds) {
                if (!act(p * 100000000 + count))
                    ::_exit(1);
                ++count;
            }
            const Speed one{count / since(begin), cpu_since(cpu) * 1e6 / count};
            ::_exit(::write(ends[1], &one, sizeof one) == sizeof one ? 0 : 1);
        }
    ::close(ends[1]);
    Speed sum;
    Speed one;
    while (::read(ends[0], &one, sizeof one) == sizeof one) {
        sum.rate += one.rate;
        sum.cpu += one.cpu / processes;
    }
    ::close(ends[0]);
    while (::wait(nullptr) > 0)
        ;
    return sum;
}

void print(const std::string& what, const Speed& speed)
{
    std::printf("%s: %.0f a second, %.1f us CPU each\n", what.c_str(), speed.rate, speed.cpu);
    std::fflush(stdout);
}

void networks(const std::string& folder)
{
    const auto path = folder + "/networks";
    std::mt19937 random(1); // NOLINT a fixed sequence
    {
        std::ofstream out(path);
        for (int i = 0; i < 1000000; ++i) {
            const auto n = random();
            if (i % 4 == 0)
                out << "2001:db8:" << std::hex << (n >> 16) << ':' << (n & 0xffff) << std::dec << "::/64\n";
            else
                out << (n >> 24) << '.' << (n >> 16 & 255) << '.' << (n >> 8 & 255) << ".0/24 ; SBL" << i << '\n';
        }
    }
    auto begin = std::clock();
    const auto table = lists::CidrTable::read({{path, lists::CidrKind::deny}});
    if (!table) {
        std::printf("%s\n", table.error().message.c_str());
        return;
    }
    std::printf("networks: 1000000 lines, %zu kept, read in %.2f s of CPU\n", table->size(), cpu_since(begin));
    std::size_t found = 0;
    constexpr int asked = 1000000;
    std::vector<IpAddress> addresses;
    for (int i = 0; i < asked; ++i) {
        const auto n = random();
        IpAddress ip{.is_v4 = true, .octets = {}};
        for (unsigned k = 0; k < 4; ++k)
            ip.octets[k] = static_cast<unsigned char>(n >> (8 * k));
        addresses.push_back(ip);
    }
    begin = std::clock();
    for (const auto& ip : addresses)
        found += table->find(ip) ? 1 : 0;
    std::printf("networks: %.0f ns of CPU a question, %zu of %d found\n", cpu_since(begin) * 1e9 / asked, found, asked);
    ::unlink(path.c_str());
}

void store(const char* name, const std::function<std::unique_ptr<state::Store>()>& open)
{
    const state::Rate rate{.limit = 100, .period = std::chrono::hours(1), .burst = 20};
    const Time now = std::chrono::system_clock::now();
    for (const unsigned processes : {1U, 4U}) {
        const auto take = speed_of(processes, [&] {
            std::shared_ptr<state::Store> s = open();
            return [=](unsigned i) { return s && s->take("k" + std::to_string(i % 10000), 1, rate, now).has_value(); };
        });
        const auto grey = speed_of(processes, [&] {
            std::shared_ptr<state::Store> s = open();
            return [=](unsigned i) {
                return s && state::Greylist(*s, {})
                                .decide({.ip = "192.0.2.1", .sender = std::to_string(i) + "@x", .recipient = "r"}, now)
                                .has_value();
            };
        });
        const auto who = std::string(name) + ", " + std::to_string(processes) + " at once, ";
        print(who + "takes", take);
        print(who + "greylist decisions (each key new)", grey);
    }
}

Speed bare_sqlite(const std::string& path)
{
    return speed_of(1, [&] {
        sqlite3* db = nullptr;
        sqlite3_open(path.c_str(), &db);
        sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t(k INTEGER PRIMARY KEY, v)",
                     nullptr, nullptr, nullptr);
        sqlite3_stmt* put = nullptr;
        sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO t VALUES(?1, ?1)", -1, &put, nullptr);
        return [=](unsigned i) {
            sqlite3_bind_int64(put, 1, i % 10000);
            const bool done = sqlite3_step(put) == SQLITE_DONE;
            sqlite3_reset(put);
            return done;
        };
    });
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2)
        return 64;
    const std::string folder = argv[1];
    const std::string redis = argc > 2 ? argv[2] : "";
    if (argc > 3)
        seconds = std::atof(argv[3]);
    networks(folder);
    std::fflush(stdout);
    store("memory", [] { return state::open_memory_store(); });
    const auto path = folder + "/state.sqlite";
    store("sqlite", [&] {
        auto s = state::open_store({.location = path, .timeout = std::chrono::seconds(5)});
        return s ? std::move(*s) : nullptr;
    });
    print("bare sqlite, transactions of one row", bare_sqlite(folder + "/bare.sqlite"));
    if (redis.empty())
        return 0;
    store("redis", [&] {
        auto s = state::open_store({.location = redis});
        return s ? std::move(*s) : nullptr;
    });
    for (const unsigned processes : {1U, 4U})
        print("bare redis, " + std::to_string(processes) + " at once, PING", speed_of(processes, [&] {
                  const auto link =
                      std::make_shared<state::RedisLink>(*state::parse_redis_address(redis), "bench", "",
                                                         std::vector<std::string>{}, std::chrono::milliseconds(1000));
                  return [=](unsigned) { return link->command({"PING"}).has_value(); };
              }));
    return 0;
}
