#include "lib/core/fd.hpp"
#include "lib/core/random.hpp"
#include "lib/core/text.hpp"
#include "lib/dns/cache.hpp"
#include "lib/dns/message.hpp"
#include "lib/dns/name.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <ares.h>
#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

namespace mgw::dns
{
namespace
{

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int tries = 2;
constexpr std::size_t max_servers = 8;

/// True if every server of a list for c-ares has a loopback address.
bool all_on_this_machine(std::string_view servers)
{
    return std::ranges::all_of(split(servers, ','), [](std::string_view server) {
        return server.starts_with("127.") || server == "::1" || server == "[::1]" || server.starts_with("[::1]:");
    });
}

/// Asks through c-ares, which keeps the sockets, retries, and turns to TCP for long answers; questions and answers are
/// built and read by our own code, because c-ares 1.18 knows neither the AD bit nor TLSA. Nothing is opened before
/// the first question, and each process opens its own sockets: workers are forked after set-up.
class Live final : public Resolver {
public:
    Live(std::string servers, milliseconds timeout, bool trusted)
        : servers_(std::move(servers)), timeout_(timeout), trusted_(trusted || all_on_this_machine(servers_))
    {}
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;
    ~Live() override { close(); }

    Answer query(std::string_view name, Type type) override
    {
        name = without_final_dot(name);
        if (!is_name(name))
            return {.code = Code::malformed};
        const auto key = Cache::key(name, type);
        prefetch(name, type);
        const auto until = Clock::now() + timeout_;
        for (;;) {
            if (const auto* answer = cache_.find(key, Clock::now()))
                return *answer;
            const auto now = Clock::now();
            if (now >= until || channel_ == nullptr || !wait(until - now))
                break;
        }
        const Answer answer{.code = channel_ == nullptr ? Code::servfail : Code::timeout};
        cache_.store(key, answer, Clock::now());
        return answer;
    }

    void prefetch(std::string_view name, Type type) override
    {
        name = without_final_dot(name);
        if (!is_name(name))
            return;
        const auto key = Cache::key(name, type);
        if (!open() || cache_.find(key, Clock::now()) != nullptr || !pending_.insert(key).second)
            return;
        auto* question = new Question{this, std::string(name), type, key};
        const auto packet = build_query(name, type, make_id());
        ares_send(channel_, reinterpret_cast<const unsigned char*>(packet.data()), static_cast<int>(packet.size()),
                  &Live::arrived, question);
    }

    std::string describe() const override { return "live " + servers_; }
    bool trusted() const override { return trusted_; }

private:
    struct Question {
        Live* resolver;
        std::string name;
        Type type;
        std::string key;
    };

    /// c-ares gives a question back exactly once: answered, failed or given up.
    static void arrived(void* argument, int status, int /*timeouts*/, unsigned char* octets, int length)
    {
        const std::unique_ptr<Question> question(static_cast<Question*>(argument));
        Live& self = *question->resolver;
        self.pending_.erase(question->key);
        if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
            return;
        Answer answer{.code = status == ARES_ETIMEOUT ? Code::timeout : Code::servfail};
        if (octets != nullptr && length > 0) {
            const std::string_view reply(reinterpret_cast<const char*>(octets), static_cast<std::size_t>(length));
            if (auto parsed = parse_reply(reply, question->name, question->type))
                answer = std::move(*parsed);
        }
        self.cache_.store(question->key, answer, Clock::now());
    }

    bool open()
    {
        if (channel_ != nullptr && owner_ == getpid())
            return true;
        close();
        owner_ = getpid();
        ares_options options{};
        options.flags = ARES_FLAG_EDNS;
        options.ednspsz = udp_payload_octets;
        // c-ares doubles the wait for each try: T/3 and 2T/3 fill the time that a question has.
        options.timeout = std::max(1, static_cast<int>(timeout_.count() / 3));
        options.tries = tries;
        options.ndots = 1;
        options.lookups = lookups_.data();
        // With all of these given c-ares opens no file: the process may be confined by now.
        constexpr int given = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                              ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS | ARES_OPT_SERVERS | ARES_OPT_SORTLIST;
        if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
            return false;
        if (ares_init_options(&channel_, &options, given) != ARES_SUCCESS) {
            channel_ = nullptr;
            ares_library_cleanup();
            return false;
        }
        return ares_set_servers_ports_csv(channel_, servers_.c_str()) == ARES_SUCCESS;
    }

    void close()
    {
        if (channel_ == nullptr)
            return;
        ares_destroy(channel_);
        channel_ = nullptr;
        ares_library_cleanup();
        pending_.clear();
    }

    /// c-ares leaves the number of a question to who builds it; one that is hard to guess keeps forged answers out.
    std::uint16_t make_id() { return static_cast<std::uint16_t>(random_.next()); }

    /// Waits for sockets, not longer than `left`. False when there is nothing to wait for.
    bool wait(Clock::duration left)
    {
        std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
        const auto wanted = static_cast<unsigned>(ares_getsock(channel_, sockets.data(), ARES_GETSOCK_MAXNUM));
        std::array<pollfd, ARES_GETSOCK_MAXNUM> polled{};
        nfds_t count = 0;
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            const short events = static_cast<short>((ARES_GETSOCK_READABLE(wanted, i) != 0 ? POLLIN : 0) |
                                                    (ARES_GETSOCK_WRITABLE(wanted, i) != 0 ? POLLOUT : 0));
            if (events != 0)
                polled[count++] = {sockets[i], events, 0};
        }
        if (count == 0)
            return false;
        timeval limit{};
        const auto micro = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
        limit.tv_sec = micro / 1000000;
        limit.tv_usec = micro % 1000000;
        timeval room{};
        const timeval* next = ares_timeout(channel_, &limit, &room);
        poll(polled.data(), count, static_cast<int>(next->tv_sec * 1000 + (next->tv_usec + 999) / 1000));
        for (nfds_t i = 0; i < count; ++i) {
            const bool out = (polled[i].revents & POLLOUT) != 0;
            const bool in = (polled[i].revents & ~POLLOUT) != 0;
            ares_process_fd(channel_, in ? polled[i].fd : ARES_SOCKET_BAD, out ? polled[i].fd : ARES_SOCKET_BAD);
        }
        return true;
    }

    std::string servers_;
    milliseconds timeout_;
    bool trusted_;
    std::array<char, 2> lookups_{"b"};
    ares_channel channel_ = nullptr;
    pid_t owner_ = -1;
    Random random_;
    Cache cache_;
    std::unordered_set<std::string> pending_;
};

/// The nameserver lines of resolv.conf(5), as a list for c-ares; the local machine when there is none.
std::string system_servers()
{
    std::string servers;
    std::size_t count = 0;
    const auto text = read_file("/etc/resolv.conf", 64U << 10);
    if (text)
        for (const auto line : split(*text, '\n')) {
            const auto words = split_blanks(trim(line));
            if (words.size() < 2 || words[0] != "nameserver" || ++count > max_servers)
                continue;
            const bool six = words[1].contains(':');
            servers += (servers.empty() ? "" : ",") + (six ? "[" + std::string(words[1]) + "]" : std::string(words[1]));
        }
    return servers.empty() ? "127.0.0.1" : servers;
}

bool is_server(std::string_view server)
{
    auto port = std::string_view("53");
    std::string host(server);
    if (server.starts_with('[')) {
        const auto end = server.find(']');
        if (end == std::string_view::npos)
            return false;
        host = server.substr(1, end - 1);
        if (const auto rest = server.substr(end + 1); !rest.empty()) {
            if (rest[0] != ':')
                return false;
            port = rest.substr(1);
        }
    } else if (const auto colon = server.find(':'); colon != std::string_view::npos && colon == server.rfind(':')) {
        host = server.substr(0, colon);
        port = server.substr(colon + 1);
    }
    const auto number = parse_number(port);
    std::array<unsigned char, 16> address{};
    return number && *number > 0 && *number < 65536 &&
           (inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
            inet_pton(AF_INET6, host.c_str(), address.data()) == 1);
}

} // namespace

Result<std::unique_ptr<Resolver>> open_live(const std::string& servers, std::chrono::milliseconds timeout, bool trusted)
{
    if (servers.empty())
        return std::make_unique<Live>(system_servers(), timeout, trusted);
    const auto list = split(servers, ',');
    for (const auto server : list)
        if (!is_server(server))
            return fail(Status::config, "'" + printable_ascii(server, 80) + "' is not the address of a DNS server",
                        "write 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53, with commas between servers");
    return std::make_unique<Live>(servers, timeout, trusted);
}

} // namespace mgw::dns
