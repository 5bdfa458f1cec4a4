#pragma once

#include "lib/core/clock.hpp"
#include "lib/dns/resolver.hpp"
#include "lib/lists/dnsbl_list.hpp"

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mgw::lists
{

/// One list has the client or the domain.
struct DnsblListing {
    std::string list;    ///< the list's name
    std::string subject; ///< what was asked: "192.0.2.7" or "example.net"
    std::string codes;   ///< "127.0.0.4", several with commas
    std::string meaning; ///< "XBL", several with commas
    bool is_allow = false;
    DnsblAction action =
        DnsblAction::weight; ///< the strongest of what the codes ask for: reject, defer, the most weight
    unsigned weight = 0;     ///< of `action` weight, else 0
    std::string query;       ///< the name that was asked, for reason(); it may have a key in it

    /// "zen.example.org has 192.0.2.7: XBL (127.0.0.4), reject"
    std::string text() const;
};

/// One list was not asked, or gave nothing that can be believed. It is then as if the list did not exist.
struct DnsblFailure {
    std::string list;
    std::string why;
    bool is_temporary = false; ///< a time-out or server failure; otherwise the list is at fault
};

/// What the lists say about one client or domain.
struct DnsblResult {
    std::vector<DnsblListing> listings;
    std::vector<DnsblFailure> failures;
    std::vector<std::string> trace; ///< each question and answer, for people

    /// The listing that decides, or nullptr: accept, then reject, then defer, of equals the first. Listings with a
    /// weight never decide alone.
    const DnsblListing* decisive() const;
    /// Sum of the weights: lists that deny add, lists that allow take away.
    int weight() const;
};

/// How long the outcome of a list's self-test holds.
struct DnsblTestTimes {
    std::chrono::seconds good{3600};
    std::chrono::seconds broken{600};
    std::chrono::seconds temporary{60};
};

/// Outcomes of self-tests (RFC 5782 section 5), by list and kind of question. May be shared by threads.
class DnsblHealth {
public:
    struct State {
        std::string why; ///< empty: the list is good
        bool is_temporary = false;
        Time until;
    };
    /// The outcome, while it holds.
    std::optional<State> find(const std::string& key, Time now) const;
    void store(const std::string& key, State state);

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, State> states_;
};

/// Asks DNS-based lists (RFC 5782). A list counts only by return codes that its definition names; 127.255.255.x and
/// answers outside 127.0.0.0/8 are errors of the list, never listings. Before a list is asked the first time, and again
/// when the outcome is old, it is tested: it must have 127.0.0.2 and not 127.0.0.1 (for IPv6 ::ffff:7f00:2 and
/// ::ffff:7f00:1; a list of domains TEST and not INVALID). One that fails is not asked, and is named in each result. A
/// list that refuses an answer counts as failed at once.
///
/// Holds no socket; not for use by several threads at a time, as its Resolver. Each thread has its own, with the same
/// DnsblHealth. The time in the DNS is bounded by the resolver's time-out for each question, and all of a connection's
/// questions wait together after prefetch().
class Dnsbl {
public:
    explicit Dnsbl(std::vector<DnsblList> lists, std::shared_ptr<DnsblHealth> health = std::make_shared<DnsblHealth>(),
                   DnsblTestTimes times = {})
        : lists_(std::move(lists)), health_(std::move(health)), times_(times)
    {}

    /// Starts every question of a connection at once: what check_client() and check_domain() will ask, and self-tests.
    void prefetch(dns::Resolver& resolver, std::string_view ip, std::span<const std::string> domains, Time now) const;

    /// Asks all lists of addresses about a client. Text that is no address gives an empty result with a trace.
    DnsblResult check_client(dns::Resolver& resolver, std::string_view ip, Time now) const;
    /// Asks all lists of domains about one domain, as it stands: whether a host name or the registered domain is wanted
    /// depends on the list. A name that cannot be asked gives an empty result with a trace.
    DnsblResult check_domain(dns::Resolver& resolver, std::string_view domain, Time now) const;

    /// Tests all lists now, whatever is known. An empty result is good; for a command that checks the configuration.
    std::vector<DnsblFailure> test(dns::Resolver& resolver, Time now) const;

    /// The list's own words about a listing (its TXT record, RFC 5782 section 2.1), at most 200 characters of printable
    /// ASCII; empty if there are none. Asked only when it is wanted.
    static std::string reason(dns::Resolver& resolver, const DnsblListing& listing);

    const std::vector<DnsblList>& lists() const { return lists_; }

private:
    struct Probe;
    static Probe probe_for(const DnsblList& list, bool v6);
    DnsblHealth::State health_of(dns::Resolver& resolver, const DnsblList& list, bool v6, Time now) const;
    DnsblHealth::State run_test(dns::Resolver& resolver, const DnsblList& list, bool v6, Time now) const;
    void ask(dns::Resolver& resolver, const DnsblList& list, bool v6, std::string_view subject,
             const std::string& query, Time now, DnsblResult& out) const;

    std::vector<DnsblList> lists_;
    std::shared_ptr<DnsblHealth> health_;
    DnsblTestTimes times_;
};

} // namespace mgw::lists
