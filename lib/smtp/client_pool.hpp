#pragma once

#include "lib/core/result.hpp"
#include "lib/dns/resolver.hpp"
#include "lib/smtp/client_destination.hpp"
#include "lib/smtp/client_route.hpp"
#include "lib/smtp/client_session.hpp"
#include "lib/smtp/client_tls_plan.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mgw::smtp
{

struct PoolOptions {
    std::string helo;
    TlsPlan tls;
    Logins logins;                    ///< a destination with a login is asked to prove who it is
    std::string tls_ca;               ///< PEM file of authorities; empty for the system's
    std::vector<std::string> sources; ///< addresses to connect from, at most one of each family
    unsigned connections = 20;        ///< at a time, over all destinations
    unsigned per_destination = 5;
    unsigned local_threads = 8;               ///< for in_background()
    std::chrono::seconds connect_timeout{30}; ///< for one address
    std::chrono::seconds reply_timeout{300};
    std::chrono::seconds idle{2};             ///< how long an open connection waits for more mail
    std::chrono::seconds connection_age{300}; ///< no new mail on a connection older than that
    unsigned mails_per_connection = 100;
};

/// What one connection showed of TLS, for reports (RFC 8460).
struct TlsReport {
    std::string policy; ///< "tlsa", "sts", "no-policy-found"
    std::string domain;
    std::string mx;
    std::string result; ///< "success", or a result of section 4.3
    std::string reason; ///< level and why, for people
};

/// One transaction for the pool: all recipients have the same destination (smtp or lmtp).
struct Delivery {
    Destination destination;
    Mail mail; ///< what mail.message borrows must live until `done` was called
    std::function<bool()> may_commit = [] { return true; }; ///< asked before the final dot
    std::function<void(std::vector<Outcome>)> done;         ///< one outcome for each recipient, every code decided
    TlsWish wish = TlsWish::none;
    /// Puts a 7-bit form of the message into the mail, or says why there is none; none: such servers are not served.
    std::function<Result<void>(Mail& mail)> seven_bit = {};
    std::function<void(const TlsReport&)> tls_seen = {}; ///< for each connection that was opened or failed for it
};

/// The event loop of mgw-send: SMTP and LMTP connections (Boost.Asio), reused by destination, within limits. All
/// call-backs run in the thread that calls run().
class Pool {
public:
    /// `resolvers` work side by side, each for one look-up at a time; at least one.
    Pool(PoolOptions options, std::vector<std::unique_ptr<dns::Resolver>> resolvers, Self self);
    ~Pool();

    /// Loads the certificates that verification needs. Status::config.
    Result<void> prepare();
    void deliver(Delivery delivery);
    /// Does `work` in a thread, then `done` in the loop's.
    void in_background(std::function<void()> work, std::function<void()> done);
    /// Calls `readable` whenever `fd` has something to read or is at its end, until it returns false. Files count as
    /// always readable.
    void watch(int fd, std::function<bool()> readable);
    /// Calls `what` from the loop after `delay`.
    void after(std::chrono::milliseconds delay, std::function<void()> what);
    /// No mail will come: idle connections say QUIT.
    void finish();
    /// Works until nothing is left to do.
    void run();
    /// The hosts that a delivery would try, for --dry-run.
    Route route(const Destination& destination, TlsWish wish);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace mgw::smtp
