#include "lib/smtp/door_process.hpp"

#include "lib/smtp/door_rules.hpp"
#include "lib/smtp/door_wire.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <optional>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace mgw::smtp
{

namespace
{

constexpr std::chrono::seconds complaints_apart{60};

class Door {
public:
    explicit Door(const DoorProcessOptions& options) : options_(options) {}
    Result<void> prepare();
    Status run(Fd link, const Fd& control);

private:
    void load();
    void work(int link, dns::Resolver& resolver);
    std::string answer(std::string_view packet, dns::Resolver& resolver);
    void complain(const Error& error);
    std::shared_ptr<const DoorTables> tables();

    const DoorProcessOptions& options_;
    std::unique_ptr<state::Store> store_;
    std::vector<std::unique_ptr<dns::Resolver>> resolvers_; ///< one for each thread, the first for tests of lists
    std::shared_ptr<lists::DnsblHealth> health_ = std::make_shared<lists::DnsblHealth>();
    DoorMemory memory_;
    std::mutex mutex_;
    std::shared_ptr<const DoorTables> tables_; ///< under mutex_
    std::optional<Time> complained_;           ///< under mutex_
};

Result<std::unique_ptr<state::Store>> open_state(const DoorProcessOptions& options)
{
    if (options.state.location.empty())
        return state::open_memory_store();
    return state::open_store(options.state);
}

Result<void> Door::prepare()
{
    auto store = open_state(options_);
    if (!store)
        return pass(store);
    store_ = std::move(*store);
    // a recorder writes one file, so that it has one thread
    const auto threads = options_.dns.record.empty() ? std::max(options_.threads, 1U) : 1U;
    for (unsigned i = 0; i < threads + (options_.dns.record.empty() ? 1U : 0U); ++i) {
        auto resolver = dns::open_resolver(options_.dns);
        if (!resolver)
            return pass(resolver);
        resolvers_.push_back(std::move(*resolver));
    }
    auto tables = DoorTables::read(options_.plan, health_);
    if (!tables)
        return pass(tables);
    tables_ = std::move(*tables);
    return {};
}

Status Door::run(Fd link, const Fd& control)
{
    // the threads end with the process: one may wait for the DNS, and what they write is whole in each call
    for (std::size_t i = resolvers_.size() > 1 ? 1 : 0; i < resolvers_.size(); ++i)
        std::thread([this, fd = link.value(), resolver = resolvers_[i].get()] { work(fd, *resolver); }).detach();
    if (resolvers_.size() > 1)
        for (const auto& failure : tables()->dnsbl.test(*resolvers_.front(), options_.clock.now()))
            options_.complain(Error{Status::temp_fail, "DNS list " + failure.list + ": " + failure.why});
    char octet = 0;
    for (;;) {
        const ssize_t n = ::read(control.value(), &octet, 1);
        if (n == 1 && octet == door_reload)
            load();
        else if (n == 0 || (n < 0 && errno != EINTR))
            return Status::ok;
    }
}

void Door::load()
{
    auto fresh = DoorTables::read(options_.plan, health_);
    if (!fresh) {
        fresh.error().message += "; the lists that were read before stay";
        return options_.complain(fresh.error());
    }
    {
        const std::lock_guard lock(mutex_);
        tables_ = *fresh;
    }
    if (resolvers_.size() > 1)
        for (const auto& failure : (*fresh)->dnsbl.test(*resolvers_.front(), options_.clock.now()))
            options_.complain(Error{Status::temp_fail, "DNS list " + failure.list + ": " + failure.why});
}

std::shared_ptr<const DoorTables> Door::tables()
{
    const std::lock_guard lock(mutex_);
    return tables_;
}

/// A state that is down fails for every question; once a minute is enough to hear of it.
void Door::complain(const Error& error)
{
    {
        const std::lock_guard lock(mutex_);
        const auto now = std::chrono::system_clock::now();
        if (complained_ && now - *complained_ < complaints_apart)
            return;
        complained_ = now;
    }
    options_.complain(error);
}

std::string Door::answer(std::string_view packet, dns::Resolver& resolver)
{
    const auto question = unpack_question(packet);
    if (!question)
        return {};
    const auto lists = tables();
    const DoorSources sources{resolver, memory_, store_.get(), [this](const Error& error) { complain(error); }};
    return pack(question->number, decide_door(options_.plan, *lists, sources, question->value, options_.clock.now()));
}

void Door::work(int link, dns::Resolver& resolver)
{
    std::vector<char> packet(door_packet_octets + 1);
    for (;;) {
        const ssize_t n = ::recv(link, packet.data(), packet.size(), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; // only where the link itself is broken
        std::string out;
        try {
            out = answer({packet.data(), static_cast<std::size_t>(n)}, resolver);
        } catch (const std::exception& e) { // out of memory: the front does without this answer
            complain(Error{Status::temp_fail, std::string("a question at the door failed: ") + e.what()});
        }
        if (!out.empty())
            while (::send(link, out.data(), out.size(), MSG_NOSIGNAL) < 0 && errno == EINTR) {
            }
    }
}

} // namespace

Result<FdPair> make_door_link()
{
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()) != 0)
        return fail_errno(errno, "cannot make a socket pair");
    return FdPair{Fd{fds[0]}, Fd{fds[1]}};
}

Result<Status> run_door(const DoorProcessOptions& options, Fd link, Fd control)
{
    // never destroyed: the threads have it until the process ends
    auto* door = new Door(options);
    if (auto prepared = door->prepare(); !prepared)
        return pass(prepared);
    if (auto confined = options.confine(); !confined)
        return pass(confined);
    // end of initialization
    return door->run(std::move(link), control);
}

Result<void> check_door(const DoorProcessOptions& options, bool asks_lists,
                        const std::function<void(const std::string&)>& warn)
{
    auto tables = DoorTables::read(options.plan, std::make_shared<lists::DnsblHealth>());
    if (!tables)
        return pass(tables);
    if (auto store = open_state(options); !store)
        return pass(store);
    auto resolver = dns::open_resolver(options.dns);
    if (!resolver)
        return pass(resolver);
    if (!asks_lists)
        return {};
    for (const auto& failure : (*tables)->dnsbl.test(**resolver, options.clock.now())) {
        const auto text = "DNS list " + failure.list + ": " + failure.why;
        if (!failure.is_temporary)
            return fail(Status::config, text);
        warn(text);
    }
    return {};
}

} // namespace mgw::smtp
