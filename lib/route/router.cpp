#include "lib/route/router.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <iterator>
#include <ranges>

namespace mgw::route
{

namespace
{

constexpr std::string_view by = "mgw-route";
constexpr std::size_t longest_address = 320;

mail::Verdict verdict(mail::Action action, int code, std::string enhanced, std::string cls, std::string at,
                      std::string text)
{
    return mail::Verdict{.action = action,
                         .recipients = {},
                         .code = code,
                         .enhanced = std::move(enhanced),
                         .cls = std::move(cls),
                         .by = std::string(by),
                         .at = std::move(at),
                         .text = std::move(text)};
}

/// For people: addresses are foreign octets.
std::string shown(std::string_view address)
{
    return printable(address, 100);
}

} // namespace

/// The expansion of one address by renamed domains and aliases.
class Router::Walk {
public:
    Walk(const Router& router, Routing& routing) : router_(router), tables_(router.tables_), routing_(routing) {}

    struct Leaf {
        std::string address;
        bool via_alias = false;
    };

    void never_follow(std::string_view address) { seen_.insert(to_lower(address)); }
    void start(std::string address) { open_.push_back({std::move(address), 0, false}); }

    /// All leaves in the order of the tables. False when there are too many or no end.
    bool run()
    {
        while (!open_.empty()) {
            Open next = std::move(open_.back());
            open_.pop_back();
            if (seen_.size() > tables_.most_addresses || leaves_.size() >= tables_.most_addresses ||
                next.depth > tables_.deepest || next.address.size() > longest_address)
                return false;
            visit(std::move(next));
        }
        return true;
    }

    std::vector<Leaf>& leaves() { return leaves_; }
    bool used_alias() const { return used_alias_; }
    const std::string& last_at() const { return last_at_; }

private:
    struct Open {
        std::string address;
        std::size_t depth = 0;
        bool is_final = false;
    };

    void add_leaf(std::string address, bool via_alias)
    {
        if (leaf_keys_.insert(to_lower(address)).second)
            leaves_.push_back({std::move(address), via_alias});
    }

    void rename_domain(std::string& address)
    {
        const auto found = tables_.redirect_domains.find(to_lower(lists::domain_of(address)));
        if (lists::domain_of(address).empty() || found == tables_.redirect_domains.end())
            return;
        const std::string renamed = std::string(lists::local_of(address)) + "@" + found->second;
        routing_.steps.push_back(shown(address) + " -> " + shown(renamed) + " (--redirect-domain)");
        address = renamed;
    }

    void visit(Open open)
    {
        rename_domain(open.address);
        const bool via_alias = open.depth > 0;
        if (open.is_final) {
            add_leaf(std::move(open.address), via_alias);
            return;
        }
        const bool first_visit = seen_.insert(to_lower(open.address)).second || !via_alias;
        if (!first_visit)
            return;
        const lists::AddressKey key = lists::address_key(open.address, tables_.delimiters);
        const bool is_local = router_.is_local(key.domain);
        const AliasMatch match = tables_.aliases.find(key, is_local);
        // who exists is not caught by a catch-all
        if (match.alias == nullptr || (match.is_catch_all && !tables_.users.find(key).empty())) {
            add_leaf(std::move(open.address), via_alias);
            return;
        }
        follow(open, key, match);
    }

    void follow(const Open& open, const lists::AddressKey& key, const AliasMatch& match)
    {
        used_alias_ = true;
        last_at_ = match.alias->at;
        std::string to;
        std::vector<Open> results;
        for (const auto& target : match.alias->targets) {
            std::string address = target.address;
            if (address.starts_with('@'))
                address.insert(0, lists::local_of(open.address));
            else if (lists::domain_of(address).empty() && !tables_.origin.empty())
                address += "@" + tables_.origin;
            if (!match.extension.empty())
                address = with_extension(address, match.extension);
            to.append(to.empty() ? "" : ", ").append(shown(address));
            // an alias that names itself keeps a copy: the address is a mailbox as well
            const bool is_itself = iequals(address, open.address);
            results.push_back({std::move(address), open.depth + 1, target.is_final || is_itself});
            if (results.size() > tables_.most_addresses)
                break; // run() sees that it is too many
        }
        routing_.steps.push_back(shown(open.address) + " -> " + printable(to, 400) + " (" + match.alias->at +
                                 (match.is_catch_all ? ", catch-all for " + shown(key.domain) : "") + ")");
        // the first target is visited first
        std::ranges::move(std::views::reverse(results), std::back_inserter(open_));
    }

    const Router& router_;
    const Tables& tables_;
    Routing& routing_;
    std::vector<Open> open_;
    std::unordered_set<std::string> seen_;
    std::unordered_set<std::string> leaf_keys_;
    std::vector<Leaf> leaves_;
    bool used_alias_ = false;
    std::string last_at_;
};

Routing Router::route(std::string_view address, Time now, const std::vector<std::string>& relatives) const
{
    Routing routing;
    const auto refuse = [&](mail::Verdict v) {
        routing.steps.push_back(shown(address) + ": " + v.text);
        routing.targets = {Target{std::string(address), {}, std::move(v), false}};
        return routing;
    };
    std::string start(address);
    if (tables_.srs && tables_.srs->is_ours(start)) {
        auto original = tables_.srs->reverse(start, now);
        if (!original)
            return refuse(verdict(mail::Action::reject, 550, "5.1.1", "policy", "srs", original.error().message));
        routing.steps.push_back(shown(start) + " -> " + shown(*original) + " (SRS)");
        start = std::move(*original);
    }
    if (lists::domain_of(start).empty() && !tables_.origin.empty())
        start += "@" + tables_.origin;

    Walk walk(*this, routing);
    for (const auto& relative : relatives)
        if (!iequals(relative, start))
            walk.never_follow(relative);
    walk.start(start);
    if (!walk.run())
        return refuse(verdict(mail::Action::defer, 451, "4.3.5", "error", walk.last_at(),
                              "Aliases make more than " + std::to_string(tables_.most_addresses) +
                                  " addresses of this one, or are nested too deep"));
    if (walk.leaves().empty())
        return refuse(verdict(mail::Action::defer, 451, "4.4.6", "error", walk.last_at(),
                              "The aliases of this address lead in a circle"));
    const bool from_local = is_local(to_lower(lists::domain_of(start)));
    for (auto& leaf : walk.leaves()) {
        Target target{std::move(leaf.address), {}, std::nullopt, false};
        finish(target, leaf.via_alias, routing);
        target.is_forward = from_local && !is_local(to_lower(lists::domain_of(target.address)));
        const auto same = [&](const Target& other) { return iequals(other.address, target.address); };
        // --redirect makes one address of many
        if (std::ranges::none_of(routing.targets, same) || tables_.redirect.empty())
            routing.targets.push_back(std::move(target));
    }
    return routing;
}

void Router::finish(Target& target, bool via_alias, Routing& routing) const
{
    const lists::AddressKey key = lists::address_key(target.address, tables_.delimiters);
    if (is_local(key.domain)) {
        const std::string listed = tables_.users.find(key);
        if (!listed.empty())
            routing.steps.push_back(shown(target.address) + " is known (" + listed + ")");
        else if (tables_.users.is_given() || !via_alias) {
            target.verdict = verdict(mail::Action::reject, 550, "5.1.1", "policy", "local-domain", "No such user here");
            routing.steps.push_back(shown(target.address) + ": no such user in the local domain " + shown(key.domain));
            return;
        }
    }
    if (!tables_.redirect.empty() && !iequals(tables_.redirect, target.address)) {
        routing.steps.push_back(shown(target.address) + " -> " + shown(tables_.redirect) + " (--redirect)");
        target.address = tables_.redirect;
    }
    set_hop(target, routing);
}

void Router::set_hop(Target& target, Routing& routing) const
{
    const Transport* transport = tables_.transports.find(lists::address_key(target.address, tables_.delimiters));
    const bool by_table = transport != nullptr && transport->destination.kind != Destination::Kind::standard;
    const Destination& destination = by_table ? transport->destination : tables_.relay;
    const std::string at = by_table                                            ? transport->at
                           : tables_.relay.kind != Destination::Kind::standard ? "--relay"
                                                                               : "the domain's MX";
    const auto text_or = [&](const char* text) { return destination.text.empty() ? text : destination.text; };
    switch (destination.kind) {
    case Destination::Kind::reject:
        target.verdict =
            verdict(mail::Action::reject, 550, destination.enhanced.empty() ? "5.1.1" : destination.enhanced, "policy",
                    at, text_or("This address takes no mail"));
        break;
    case Destination::Kind::defer:
        target.verdict =
            verdict(mail::Action::defer, 451, destination.enhanced.empty() ? "4.3.0" : destination.enhanced, "policy",
                    at, text_or("This address takes no mail now"));
        break;
    case Destination::Kind::discard:
        target.verdict =
            verdict(mail::Action::discard, 0, {}, "policy", at, text_or("Discarded by the transport table"));
        break;
    default: {
        auto hop = hop_for(destination, target.address, tables_.delimiters);
        if (hop)
            target.hop = std::move(*hop);
        else
            target.verdict = verdict(mail::Action::reject, 550, "5.1.3", "policy", at,
                                     lists::domain_of(target.address).empty() ? "The address has no domain"
                                                                       : "No mailbox can have this name");
    }
    }
    routing.steps.push_back(shown(target.address) + " => " +
                            (target.verdict ? std::string(mail::action_name(target.verdict->action)) + ": " +
                                                  printable(target.verdict->text, 200)
                                            : printable(target.hop, 300)) +
                            " (" + at + ")");
}

} // namespace mgw::route
