#pragma once

#include "lib/core/clock.hpp"
#include "lib/mail/block.hpp"
#include "lib/route/aliases.hpp"
#include "lib/route/destination.hpp"
#include "lib/route/srs.hpp"
#include "lib/route/transport.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mgw::route
{

/// Where one address came to in the end.
struct Target {
    std::string address;
    std::string hop;                      ///< "smtp:example.org"; empty where `verdict` says that it goes nowhere
    std::optional<mail::Verdict> verdict; ///< without its recipients; `at` names the line of the table
    bool is_forward = false;              ///< leaves a local domain for another one, by an alias or a redirect
};

/// What becomes of one recipient.
struct Routing {
    std::vector<Target> targets;
    std::vector<std::string> steps; ///< for people: which line of which table decided what
};

/// Everything that decides where addresses go.
struct Tables {
    Aliases aliases;
    Transports transports;
    Users users;
    std::unordered_set<std::string> local_domains;                 ///< lower case
    std::string origin;                                            ///< the domain of names that have none
    std::unordered_map<std::string, std::string> redirect_domains; ///< old to new, lower case
    std::string redirect;                                          ///< the address that takes all; empty for none
    Destination relay;                                             ///< where mail goes that no table names
    std::string delimiters = "+";
    std::optional<Srs> srs;
    std::size_t most_addresses = 1000; ///< that one recipient may become
    std::size_t deepest = 100;         ///< aliases of aliases
};

/// Decides about one address: bounces to our SRS addresses, domains that were renamed, aliases, unknown users, the
/// redirect of everything, and the next hop. Linear in the number of addresses that come out; loops end.
class Router {
public:
    explicit Router(Tables tables) : tables_(std::move(tables)) {}

    /// `relatives` are addresses that this one was made of or made together with (in any case of letters): aliases that
    /// lead back to them are not followed, so that routing twice changes nothing.
    Routing route(std::string_view address, Time now, const std::vector<std::string>& relatives = {}) const;

    const Tables& tables() const { return tables_; }

private:
    class Walk;

    bool is_local(std::string_view domain) const { return tables_.local_domains.contains(std::string(domain)); }
    void finish(Target& target, bool via_alias, Routing& routing) const;
    void set_hop(Target& target, Routing& routing) const;

    Tables tables_;
};

} // namespace mgw::route
