#include "lib/smtp/client_pool.hpp"

#include "lib/core/random.hpp"
#include "lib/core/text.hpp"
#include "lib/smtp/client_link.hpp"
#include "lib/smtp/deliver_final.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <unistd.h>

namespace mgw::smtp
{

namespace asio = boost::asio;

namespace
{

using Code = boost::system::error_code;
using Instant = std::chrono::steady_clock::time_point;

Instant now()
{
    return std::chrono::steady_clock::now();
}

Outcome with_host(const Host& host, Outcome o)
{
    const bool replied = !o.stage.empty();
    std::string text =
        host.label() + (replied ? " said: " + std::to_string(o.code) + " " + o.enhanced + " " : ": ") + o.text;
    if (replied)
        text += " (in reply to " + o.stage + ")";
    o.text = printable_ascii(text);
    return o;
}

/// Mail that waits for one destination, and who works on it.
struct Queue {
    Destination destination;
    std::deque<Delivery> waiting;
    unsigned workers = 0;
    unsigned starting = 0; ///< workers that have not looked for mail yet
    std::list<asio::steady_timer*> idle;
    Instant dead_until{};
    Outcome dead;
};

} // namespace

struct Pool::Impl {
    PoolOptions options;
    std::vector<std::unique_ptr<dns::Resolver>> resolvers;
    Self self;
    asio::io_context io{1};
    ClientTls tls;
    std::optional<asio::thread_pool> local_threads;
    std::optional<asio::thread_pool> dns_threads;
    std::mutex resolver_mutex;
    std::vector<dns::Resolver*> free_resolvers;
    std::map<std::string, Queue> queues;
    unsigned workers = 0;
    std::uint64_t shuffle = static_cast<std::uint64_t>(now().time_since_epoch().count());
    bool finishing = false;

    explicit Impl(PoolOptions o) : options(std::move(o)), tls(options.tls_ca) {}
    Route route_with_some_resolver(const Destination& destination);
    asio::awaitable<Route> find(const Destination& destination);
    Host asked(Host host, const Destination& destination, TlsWish wish) const;
    void report(const Delivery& delivery, const Host& host, const std::string& result);
    asio::awaitable<LinkPtr> connect(Host host, const Delivery& delivery, Outcome& failure);
    asio::awaitable<void> transact(LinkPtr& link, const Delivery& delivery, std::vector<Outcome>& outcomes,
                                   Outcome& of_host);
    asio::awaitable<bool> transact_all(LinkPtr& link, const Delivery& delivery, std::vector<Outcome>& outcomes,
                                       Outcome& failure);
    asio::awaitable<std::vector<Outcome>> serve(Queue& queue, LinkPtr& link, const Delivery& delivery);
    asio::awaitable<void> work(Queue& queue);
    asio::awaitable<void> wait_for_mail(Queue& queue);
    void pump();
    void start_worker(Queue& queue);
};

Route Pool::Impl::route_with_some_resolver(const Destination& destination)
{
    dns::Resolver* resolver = nullptr;
    std::uint64_t order = 0;
    {
        const std::lock_guard lock(resolver_mutex); // as many threads as resolvers: there is a free one
        resolver = free_resolvers.back();
        free_resolvers.pop_back();
        order = ++shuffle;
    }
    Route route = find_route(destination, *resolver, self, order);
    decide_tls(route, destination, options.tls, *resolver);
    const std::lock_guard lock(resolver_mutex);
    free_resolvers.push_back(resolver);
    return route;
}

asio::awaitable<Route> Pool::Impl::find(const Destination& destination)
{
    if (!destination.path.empty() || is_address(destination.host))
        co_return route_with_some_resolver(destination); // asks nobody
    if (!dns_threads)
        dns_threads.emplace(resolvers.size());
    auto look_up = [this, destination]() -> asio::awaitable<Route> { co_return route_with_some_resolver(destination); };
    co_return co_await asio::co_spawn(*dns_threads, std::move(look_up), asio::use_awaitable);
}

/// What a connection that could not be used, or was not wanted, tells about TLS.
void Pool::Impl::report(const Delivery& delivery, const Host& host, const std::string& result)
{
    if (!delivery.tls_seen || host.is_unix)
        return;
    const TlsReport report{host.tls.kind, delivery.destination.host, host.name, result, host.tls.text()};
    if (!host.tls.trouble.empty())
        delivery.tls_seen({report.policy, report.domain, report.mx, host.tls.trouble, report.reason});
    if (!result.empty())
        delivery.tls_seen(report);
}

/// A host's policy for one mail.
Host Pool::Impl::asked(Host host, const Destination& destination, TlsWish wish) const
{
    host.tls = with_wish(std::move(host.tls), wish);
    if (const auto* login = options.logins.find(destination.host))
        if (host.tls.level < TlsLevel::verify) {
            host.tls.level = TlsLevel::verify;
            host.tls.reason = "login of " + login->place;
        }
    return host;
}

asio::awaitable<LinkPtr> Pool::Impl::connect(Host host, const Delivery& delivery, Outcome& failure)
{
    if (host.tls.refusal.code != 0) {
        failure = host.tls.refusal;
        report(delivery, host, "");
        co_return nullptr;
    }
    const bool lmtp = delivery.destination.kind == Destination::Kind::lmtp;
    LinkOptions how{{options.helo, lmtp, host.tls.level, options.reply_timeout, delivery.destination.implicit_tls},
                    options.connect_timeout,
                    options.sources};
    how.session.known_server =
        host.tls.authenticates() && (host.secure_name || host.tls.kind == "sts" || host.tls.level == TlsLevel::secure);
    if (const auto* login = options.logins.find(delivery.destination.host)) {
        how.session.login = *login;
        how.session.nonce = Random().word(24);
    }
    auto link = std::make_shared<Link>(io, host, std::move(how), tls);
    const bool open = co_await Link::open(link);
    const bool own_name = host.from_mx && host.port == 25 && link->session().server_name() == self.name;
    if (open && !own_name) {
        const auto result = link->session().secure() ? link->tls_result() : "starttls-not-supported";
        const bool fits = link->session().secure() && (result.empty() || host.tls.kind != "sts");
        if (host.tls.level != TlsLevel::none)
            report(delivery, host, fits ? "success" : result);
        co_return link;
    }
    if (!link->no_connection().empty())
        failure = with_host(host, {451, "4.4.1", link->no_connection(), {}});
    else if (own_name)
        failure = with_host(host, {554, "5.4.6", "mail loops back to this machine: the server has our name", {}});
    else
        failure = with_host(host, link->session().failure());
    link->close();
    const bool tls_failed = !link->tls_failure().text.empty();
    if (tls_failed)
        report(delivery, host, link->tls_failure().result);
    if (tls_failed && host.tls.level == TlsLevel::may) { // RFC 7435: rather in clear than not at all
        host.tls.level = TlsLevel::none;
        co_return co_await connect(host, delivery, failure);
    }
    if (tls_failed)
        failure.enhanced = "4.7.5";
    else if (failure.enhanced == "4.7.4")
        report(delivery, host, "starttls-not-supported");
    if (tls_failed || failure.enhanced == "4.7.4")
        failure.text = printable_ascii(failure.text + "; TLS: " + host.tls.text());
    co_return nullptr;
}

/// One transaction on an open connection, of as many open recipients as the server takes. Decided outcomes go to
/// `outcomes`, what only this host cannot do to `of_host`.
asio::awaitable<void> Pool::Impl::transact(LinkPtr& link, const Delivery& delivery, std::vector<Outcome>& outcomes,
                                           Outcome& of_host)
{
    Mail mail = delivery.mail;
    std::vector<std::size_t> open;
    mail.recipients.clear();
    for (std::size_t i = 0; i < outcomes.size() && open.size() < link->session().most_recipients(); ++i)
        if (outcomes[i].code == 0) {
            open.push_back(i);
            mail.recipients.push_back(delivery.mail.recipients[i]);
        }
    if (link->session().needs_seven_bit(mail) && delivery.seven_bit) {
        if (auto done = delivery.seven_bit(mail); !done) {
            of_host = with_host(
                link->host(),
                {550, "5.6.3", "the server takes 7-bit mail only (8BITMIME), and " + done.error().message, {}});
            co_return;
        }
    }
    ++link->mails;
    link->session().begin(mail);
    co_await link->converse(delivery.may_commit);
    const auto& got = link->session().outcomes();
    for (std::size_t i = 0; i < open.size(); ++i)
        if (got[i].of_host)
            of_host = with_host(link->host(), got[i]);
        else if (got[i].code != 0)
            outcomes[open[i]] = with_host(link->host(), got[i]);
    if (link->is_closed()) // not committed
        for (const auto i : open)
            if (outcomes[i].code == 0)
                outcomes[i] = too_late();
}

/// Transactions until all recipients are decided, as many as the server's limits ask for. The link is gone when it is
/// of no more use; true if only a limit ended the work.
asio::awaitable<bool> Pool::Impl::transact_all(LinkPtr& link, const Delivery& delivery, std::vector<Outcome>& outcomes,
                                               Outcome& failure)
{
    const auto undecided = [&] {
        return std::ranges::count_if(outcomes, [](const Outcome& o) { return o.code == 0; });
    };
    for (auto before = undecided(); before > 0;) {
        co_await transact(link, delivery, outcomes, failure);
        if (!link->is_usable()) {
            if (link->session().failure().code != 0)
                failure = with_host(link->host(), link->session().failure());
            link->close();
            link = nullptr;
            co_return false;
        }
        const auto after = undecided();
        if (after > 0 && after == before) // this host cannot serve them
            co_return false;
        before = after;
        if (link->mails >= link->session().most_mails()) {
            co_await Link::end(std::exchange(link, nullptr));
            co_return true;
        }
    }
    co_return true;
}

asio::awaitable<std::vector<Outcome>> Pool::Impl::serve(Queue& queue, LinkPtr& link, const Delivery& delivery)
{
    std::vector<Outcome> outcomes(delivery.mail.recipients.size());
    const auto open = [&] { return std::ranges::any_of(outcomes, [](const Outcome& o) { return o.code == 0; }); };
    const auto give_up = [&](const Outcome& why) {
        for (auto& o : outcomes)
            if (o.code == 0)
                o = why;
        return outcomes;
    };
    if (!delivery.may_commit())
        co_return give_up(too_late());
    Outcome failure{451, "4.4.1", "no host could be reached", {}};
    if (link)
        co_await transact_all(link, delivery, outcomes, failure); // when it was dead, a new connection is next
    if (!open())
        co_return outcomes;
    co_await Link::end(std::exchange(link, nullptr)); // of no use to this mail
    if (now() < queue.dead_until)
        co_return give_up(queue.dead);
    const Route route = co_await find(delivery.destination);
    if (route.hosts.empty())
        co_return give_up(route.failure);
    // a host that may work later outweighs one that refuses us for good: the mail waits for it
    std::optional<Outcome> soft;
    const auto note = [&] {
        if (failure.code / 100 == 4)
            soft = failure;
    };
    if (route.failure.code / 100 == 4) // an exchanger whose address could not be looked up
        soft = route.failure;
    bool reached = false;
    for (const auto& host : route.hosts) {
        if (!delivery.may_commit())
            co_return give_up(too_late());
        link = co_await connect(asked(host, delivery.destination, delivery.wish), delivery, failure);
        if (!link) {
            note();
            continue;
        }
        reached = true;
        bool more = co_await transact_all(link, delivery, outcomes, failure);
        while (more && open() && !link && delivery.may_commit()) { // the server takes few transactions a connection
            link = co_await connect(asked(host, delivery.destination, delivery.wish), delivery, failure);
            more = link && co_await transact_all(link, delivery, outcomes, failure);
        }
        if (!open())
            break;
        note();
        co_await Link::end(std::exchange(link, nullptr));
    }
    if (!reached && failure.enhanced == "4.4.1") { // mail that waits for the same hosts need not knock again at once
        queue.dead = failure;
        queue.dead_until = now() + std::chrono::seconds(10);
    }
    co_return give_up(soft.value_or(failure));
}

asio::awaitable<void> Pool::Impl::wait_for_mail(Queue& queue)
{
    asio::steady_timer timer(io, options.idle);
    const auto place = queue.idle.insert(queue.idle.end(), &timer);
    co_await timer.async_wait(token);
    queue.idle.erase(place);
}

/// A worker owns at most one connection and takes mail for one destination until there is none.
asio::awaitable<void> Pool::Impl::work(Queue& queue)
{
    LinkPtr link;
    unsigned served = 0;
    --queue.starting;
    while (true) {
        if (queue.waiting.empty() && link && !finishing)
            co_await wait_for_mail(queue);
        if (queue.waiting.empty() || served >= options.mails_per_connection)
            break; // after that many another destination may have its turn
        Delivery delivery = std::move(queue.waiting.front());
        queue.waiting.pop_front();
        auto outcomes = co_await serve(queue, link, delivery);
        ++served;
        delivery.done(std::move(outcomes));
        if (link && (link->mails >= options.mails_per_connection || now() - link->born() > options.connection_age)) {
            co_await Link::end(link);
            link = nullptr;
        }
    }
    co_await Link::end(link);
    --queue.workers;
    --workers;
    pump();
}

void Pool::Impl::start_worker(Queue& queue)
{
    ++queue.workers;
    ++queue.starting;
    ++workers;
    asio::co_spawn(io, work(queue), asio::detached);
}

void Pool::Impl::pump()
{
    bool starved = false;
    bool started = true;
    while (started) { // one worker for each destination in turn
        started = false;
        for (auto& [key, queue] : queues) {
            if (queue.waiting.size() <= queue.idle.size() + queue.starting || queue.workers >= options.per_destination)
                continue;
            if (workers >= options.connections) {
                starved = true;
                continue;
            }
            start_worker(queue);
            started = true;
        }
    }
    for (auto& [key, queue] : queues) {
        std::size_t wanted = starved && queue.waiting.empty() ? queue.idle.size() : queue.waiting.size();
        for (auto* timer : queue.idle)
            if (wanted > 0) {
                --wanted;
                timer->cancel();
            }
    }
    std::erase_if(queues, [](const auto& entry) {
        return entry.second.workers == 0 && entry.second.waiting.empty() && entry.second.dead_until < now();
    });
}

Pool::Pool(PoolOptions options, std::vector<std::unique_ptr<dns::Resolver>> resolvers, Self self)
    : impl_(std::make_unique<Impl>(std::move(options)))
{
    impl_->resolvers = std::move(resolvers);
    impl_->self = std::move(self);
    for (const auto& resolver : impl_->resolvers)
        impl_->free_resolvers.push_back(resolver.get());
}

Pool::~Pool()
{
    if (impl_->local_threads)
        impl_->local_threads->join();
    if (impl_->dns_threads)
        impl_->dns_threads->join();
}

Result<void> Pool::prepare()
{
    const auto level = impl_->options.tls.standard;
    const bool needed = level == TlsLevel::verify || level == TlsLevel::secure || !impl_->options.tls_ca.empty();
    return needed ? impl_->tls.prepare() : Result<void>{};
}

void Pool::deliver(Delivery delivery)
{
    // mail that asks for more, or for less, does not share connections with other mail
    const std::string key = delivery.destination.key() + " " + std::to_string(static_cast<int>(delivery.wish));
    Queue& queue = impl_->queues.try_emplace(key).first->second;
    queue.destination = delivery.destination;
    queue.waiting.push_back(std::move(delivery));
    impl_->pump();
}

void Pool::in_background(std::function<void()> work, std::function<void()> done)
{
    if (!impl_->local_threads)
        impl_->local_threads.emplace(impl_->options.local_threads);
    asio::post(*impl_->local_threads,
               [this, guard = asio::make_work_guard(impl_->io), work = std::move(work), done = std::move(done)] {
                   work();
                   asio::post(impl_->io, done);
               });
}

void Pool::watch(int fd, std::function<bool()> readable)
{
    auto descriptor = std::make_shared<asio::posix::stream_descriptor>(impl_->io);
    Code ignored;
    descriptor->assign(::dup(fd), ignored);
    auto loop = [](Impl* impl, auto waited, std::function<bool()> look) -> asio::awaitable<void> {
        bool always = false;
        do {
            if (!always) {
                const auto [failed] = co_await waited->async_wait(asio::posix::stream_descriptor::wait_read, token);
                always = static_cast<bool>(failed); // epoll refuses files, which never wait
            }
            if (always)
                co_await asio::post(impl->io, asio::use_awaitable); // others get their turn
        } while (look());
    };
    asio::co_spawn(impl_->io, loop(impl_.get(), descriptor, std::move(readable)), asio::detached);
}

void Pool::after(std::chrono::milliseconds delay, std::function<void()> what)
{
    auto timer = std::make_shared<asio::steady_timer>(impl_->io, delay);
    timer->async_wait([timer, what = std::move(what)](const Code&) { what(); });
}

void Pool::finish()
{
    impl_->finishing = true;
    for (auto& [key, queue] : impl_->queues)
        for (auto* timer : queue.idle)
            timer->cancel();
}

void Pool::run()
{
    impl_->io.restart();
    impl_->io.run();
}

Route Pool::route(const Destination& destination, TlsWish wish)
{
    auto route = impl_->route_with_some_resolver(destination);
    for (auto& host : route.hosts)
        host = impl_->asked(host, destination, wish);
    return route;
}

} // namespace mgw::smtp
