#include "lib/smtp/client_pool.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/deliver_final.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
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

using Socket = asio::generic::stream_protocol::socket;
using Code = boost::system::error_code;
using Instant = std::chrono::steady_clock::time_point;
constexpr auto token = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::hours longest_mail{1}; // a server that takes a large message drop by drop

Instant now()
{
    return std::chrono::steady_clock::now();
}

/// One connection. `deadline` closes the socket when it passes.
struct Link {
    Link(asio::io_context& io, Host to, SessionOptions options)
        : socket(io), timer(io), host(std::move(to)), session(std::move(options))
    {}

    Socket socket;
    asio::steady_timer timer;
    std::optional<asio::ssl::stream<Socket&>> tls;
    Host host;
    Session session;
    Instant born = now();
    Instant deadline = Instant::max();
    std::chrono::seconds last_limit{0};
    unsigned mails = 0;
    bool timed_out = false;
    bool closed = false;
    bool tls_failed = false;

    void limit(std::chrono::seconds time)
    {
        last_limit = time;
        deadline = now() + time;
    }
    void close()
    {
        closed = true;
        Code ignored;
        socket.close(ignored);
        timer.cancel();
    }
    std::string why(const Code& error) const
    {
        return timed_out                   ? "no answer within " + std::to_string(last_limit.count()) + " seconds"
               : error == asio::error::eof ? "connection lost"
                                           : error.message();
    }
};
using LinkPtr = std::shared_ptr<Link>;

/// Closes the link when its deadline passes. One timer for the life of a connection instead of one for each read.
asio::awaitable<void> guard(LinkPtr link)
{
    while (!link->closed) {
        const Instant wake = std::min(link->deadline, now() + std::chrono::seconds(1));
        link->timer.expires_at(wake);
        co_await link->timer.async_wait(token);
        if (!link->closed && now() >= link->deadline) {
            link->timed_out = true;
            Code ignored;
            link->socket.close(ignored);
            link->deadline = Instant::max();
        }
    }
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
    std::optional<asio::ssl::context> tls;
    std::optional<asio::thread_pool> local_threads;
    std::optional<asio::thread_pool> dns_threads;
    std::mutex resolver_mutex;
    std::vector<dns::Resolver*> free_resolvers;
    std::map<std::string, Queue> queues;
    unsigned workers = 0;
    std::uint64_t shuffle = static_cast<std::uint64_t>(now().time_since_epoch().count());
    bool finishing = false;

    Result<asio::ssl::context*> tls_context();
    Route route_with_some_resolver(const Destination& destination);
    asio::awaitable<Route> find(const Destination& destination);
    asio::awaitable<void> write(Link& link, std::string octets);
    asio::awaitable<void> hand_shake(Link& link);
    asio::awaitable<void> converse(Link& link, const Delivery* delivery);
    asio::awaitable<LinkPtr> connect(Host host, TlsLevel level, bool lmtp, Outcome& failure);
    asio::awaitable<LinkPtr> connect_or_plain(Host host, bool lmtp, Outcome& failure);
    asio::awaitable<bool> transact(LinkPtr& link, const Delivery& delivery, std::vector<Outcome>& outcomes);
    asio::awaitable<std::vector<Outcome>> serve(Queue& queue, LinkPtr& link, const Delivery& delivery);
    asio::awaitable<void> work(Queue& queue);
    asio::awaitable<void> end(LinkPtr link);
    asio::awaitable<void> wait_for_mail(Queue& queue);
    void pump();
    void start_worker(Queue& queue);
};

Result<asio::ssl::context*> Pool::Impl::tls_context()
{
    if (tls)
        return &*tls;
    tls.emplace(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION); // RFC 8996
    Code error;
    if (options.tls == TlsLevel::verify) {
        tls->set_verify_mode(asio::ssl::verify_peer);
        if (options.tls_ca.empty())
            tls->load_verify_file("/etc/ssl/certs/ca-certificates.crt", error);
        else
            tls->load_verify_file(options.tls_ca, error);
        if (error)
            return fail(Status::config, "cannot read the certificates of authorities: " + error.message(),
                        "install ca-certificates, or name a PEM file with --tls-ca");
    }
    return &*tls;
}

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

asio::awaitable<void> Pool::Impl::write(Link& link, std::string octets)
{
    link.limit(link.session.timeout());
    const auto [error, n] = link.tls ? co_await asio::async_write(*link.tls, asio::buffer(octets), token)
                                     : co_await asio::async_write(link.socket, asio::buffer(octets), token);
    if (error)
        link.session.lost(link.why(error));
}

asio::awaitable<void> Pool::Impl::hand_shake(Link& link)
{
    auto context = tls_context();
    if (!context) {
        link.session.lost(context.error().message);
        co_return;
    }
    link.tls.emplace(link.socket, **context);
    SSL* ssl = link.tls->native_handle();
    const bool address = is_address(link.host.name);
    if (!address)
        SSL_set_tlsext_host_name(ssl, link.host.name.c_str());
    if (options.tls == TlsLevel::verify) {
        if (address)
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), link.host.name.c_str());
        else
            SSL_set1_host(ssl, link.host.name.c_str());
    }
    link.limit(link.session.timeout());
    const auto [error] = co_await link.tls->async_handshake(asio::ssl::stream_base::client, token);
    if (!error) {
        link.session.tls_started();
        co_return;
    }
    link.tls_failed = true;
    const long verified = SSL_get_verify_result(ssl);
    const bool certificate = options.tls == TlsLevel::verify && verified != X509_V_OK;
    link.session.lost("TLS failed: " +
                      (certificate ? std::string(X509_verify_cert_error_string(verified)) : link.why(error)));
}

/// Runs the session until it is idle or closed.
asio::awaitable<void> Pool::Impl::converse(Link& link, const Delivery* delivery)
{
    std::array<char, 4096> buffer{};
    const Instant last = now() + longest_mail;
    std::size_t replies = link.session.replies();
    link.limit(link.session.timeout());
    while (true) {
        for (auto out = link.session.output(); !out.empty() && !link.timed_out; out = link.session.output())
            co_await write(link, std::move(out));
        switch (link.session.want()) {
        case Session::Want::idle:
            link.deadline = Instant::max();
            co_return;
        case Session::Want::closed:
            co_return;
        case Session::Want::start_tls:
            co_await hand_shake(link);
            continue;
        case Session::Want::commit:
            if (delivery == nullptr || !delivery->may_commit()) {
                link.close(); // without the final dot: the server forgets the message
                co_return;
            }
            link.session.commit();
            continue;
        case Session::Want::read:
            break;
        }
        const auto [error, n] = link.tls ? co_await link.tls->async_read_some(asio::buffer(buffer), token)
                                         : co_await link.socket.async_read_some(asio::buffer(buffer), token);
        if (error || now() > last) {
            link.session.lost(error ? link.why(error) : "the conversation took more than an hour");
            co_return;
        }
        link.session.receive(std::string_view(buffer.data(), n));
        if (replies != link.session.replies()) {
            replies = link.session.replies();
            link.limit(link.session.timeout());
        }
    }
}

asio::awaitable<LinkPtr> Pool::Impl::connect(Host host, TlsLevel level, bool lmtp, Outcome& failure)
{
    auto link = std::make_shared<Link>(io, host, SessionOptions{options.helo, lmtp, level, options.reply_timeout});
    asio::co_spawn(io, guard(link), asio::detached);
    asio::generic::stream_protocol::endpoint endpoint;
    Code error;
    if (host.is_unix) {
        endpoint = asio::local::stream_protocol::endpoint(host.address);
    } else {
        const auto address = asio::ip::make_address(host.address, error);
        if (!error)
            endpoint = asio::ip::tcp::endpoint(address, host.port);
    }
    link->limit(options.connect_timeout);
    if (!error)
        link->socket.open(endpoint.protocol(), error);
    if (!error)
        std::tie(error) = co_await link->socket.async_connect(endpoint, token);
    if (error) {
        failure = with_host(host, {451, "4.4.1", "cannot connect: " + link->why(error), {}});
        link->close();
        co_return nullptr;
    }
    if (!host.is_unix) {
        link->socket.set_option(asio::ip::tcp::no_delay(true), error);
    }
    co_await converse(*link, nullptr);
    const bool own_name = host.from_mx && host.port == 25 && link->session.server_name() == self.name;
    if (link->session.want() == Session::Want::idle && !own_name)
        co_return link;
    failure = own_name ? with_host(host, {554, "5.4.6", "mail loops back to this machine: the server has our name", {}})
                       : with_host(host, link->session.failure());
    link->close();
    if (link->tls_failed && level == TlsLevel::may) // RFC 7435: rather in clear than not at all
        co_return co_await connect(host, TlsLevel::none, lmtp, failure);
    if (link->tls_failed)
        failure.enhanced = "4.7.5";
    co_return nullptr;
}

/// One transaction on an open connection. Decided outcomes go to `outcomes`; false when the connection broke so early
/// that it may have been dead before.
asio::awaitable<bool> Pool::Impl::transact(LinkPtr& link, const Delivery& delivery, std::vector<Outcome>& outcomes)
{
    Mail mail = delivery.mail;
    std::vector<std::size_t> open;
    mail.recipients.clear();
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        if (outcomes[i].code == 0) {
            open.push_back(i);
            mail.recipients.push_back(delivery.mail.recipients[i]);
        }
    ++link->mails;
    link->session.begin(mail);
    co_await converse(*link, &delivery);
    const auto& got = link->session.outcomes();
    for (std::size_t i = 0; i < open.size(); ++i)
        if (got[i].code != 0)
            outcomes[open[i]] = with_host(link->host, got[i]);
    if (link->closed) // not committed
        for (const auto i : open)
            if (outcomes[i].code == 0)
                outcomes[i] = too_late();
    const bool usable = link->session.want() == Session::Want::idle && !link->closed;
    co_return usable || link->closed || link->session.mail_was_answered();
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
    if (link) {
        co_await transact(link, delivery, outcomes); // when it was dead already, a new connection is next
        if (link->session.want() != Session::Want::idle || link->closed) {
            link->close();
            link = nullptr;
        }
    }
    if (!open())
        co_return outcomes;
    if (now() < queue.dead_until)
        co_return give_up(queue.dead);
    const bool lmtp = delivery.destination.kind == Destination::Kind::lmtp;
    const Route route = co_await find(delivery.destination);
    if (route.hosts.empty())
        co_return give_up(route.failure);
    bool reached = false;
    for (const auto& host : route.hosts) {
        if (!delivery.may_commit())
            co_return give_up(too_late());
        link = co_await connect(host, options.tls, lmtp, failure);
        if (!link)
            continue;
        reached = true;
        co_await transact(link, delivery, outcomes);
        if (link->session.want() != Session::Want::idle || link->closed) {
            if (link->session.failure().code != 0)
                failure = with_host(host, link->session.failure());
            link->close();
            link = nullptr;
        }
        if (!open())
            break;
    }
    if (!reached && failure.enhanced == "4.4.1") { // mail that waits for the same hosts need not knock again at once
        queue.dead = failure;
        queue.dead_until = now() + std::chrono::seconds(10);
    }
    co_return give_up(failure);
}

asio::awaitable<void> Pool::Impl::end(LinkPtr link)
{
    if (!link || link->closed)
        co_return;
    link->session.quit();
    link->limit(std::chrono::seconds(2));
    for (auto out = link->session.output(); !out.empty(); out = link->session.output()) {
        if (link->tls)
            co_await asio::async_write(*link->tls, asio::buffer(out), token);
        else
            co_await asio::async_write(link->socket, asio::buffer(out), token);
    }
    std::array<char, 512> buffer{};
    while (link->session.want() == Session::Want::read) {
        const auto [error, n] = link->tls ? co_await link->tls->async_read_some(asio::buffer(buffer), token)
                                          : co_await link->socket.async_read_some(asio::buffer(buffer), token);
        if (error)
            break;
        link->session.receive(std::string_view(buffer.data(), n));
    }
    if (link->tls && !link->timed_out)
        co_await link->tls->async_shutdown(token);
    link->close();
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
        if (link && (link->mails >= options.mails_per_connection || now() - link->born > options.connection_age)) {
            co_await end(link);
            link = nullptr;
        }
    }
    co_await end(link);
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
    : impl_(std::make_unique<Impl>())
{
    impl_->options = std::move(options);
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
    if (impl_->options.tls == TlsLevel::verify)
        if (auto context = impl_->tls_context(); !context)
            return pass(context);
    return {};
}

void Pool::deliver(Delivery delivery)
{
    const std::string key = delivery.destination.key();
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

Route Pool::route(const Destination& destination)
{
    return impl_->route_with_some_resolver(destination);
}

} // namespace mgw::smtp
