#include "tools/mgw-recv/door_options.hpp"

#include "lib/auth/spf.hpp"
#include "lib/core/durable.hpp"
#include "lib/core/key.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/core/text.hpp"
#include "lib/smtp/door_link.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>

namespace mgw::recv
{

namespace
{

std::string folder_of(const std::string& path)
{
    std::error_code failed;
    const auto whole = std::filesystem::absolute(path, failed);
    return failed ? std::string(".") : whole.parent_path().string();
}

bool is_redis(std::string_view location)
{
    return location.starts_with("redis:") || location.starts_with("redis+");
}

Result<state::StoreOptions> state_options(const DoorOptions& o)
{
    state::StoreOptions out;
    out.location = o.state;
    out.password_file = o.state_password_file;
    if (out.location.empty()) {
        const auto home = state_directory();
        if (home.empty())
            return fail(Status::config, "there is no home for the door's state", "give --state FILE");
        out.location = home + "/door.sqlite";
    }
    return out;
}

Result<void> read_rates(const DoorOptions& o, smtp::DoorPlan& plan)
{
    for (const auto& text : o.rates) {
        auto limit = state::parse_rate_limit(text);
        if (!limit) {
            limit.error().message = "--rate: " + limit.error().message;
            return pass(limit);
        }
        plan.rates.push_back(std::move(*limit));
    }
    return state::check_names(plan.rates);
}

Result<void> read_dry_run(const DoorOptions& o, smtp::DoorPlan& plan)
{
    for (const auto& rule : o.dry_run) {
        const std::string family = rule.substr(0, rule.find(':'));
        const auto is_ours = [&](std::string_view name) { return name == family; };
        if (!std::ranges::any_of(smtp::door_rules, is_ours))
            return fail(Status::usage, "--door-dry-run: no such rule: " + printable(rule));
        const bool is_rate = std::ranges::any_of(
            plan.rates, [&](const state::RateLimit& limit) { return rule == "rate:" + limit.name; });
        if (family == "rate" && rule != family && !is_rate)
            return fail(Status::usage, "--door-dry-run: there is no --rate of that name: " + printable(rule));
        plan.dry_run.insert(rule);
    }
    return {};
}

Result<smtp::DoorPlan> read_plan(const DoorOptions& o, const std::string& hostname,
                                 const std::vector<std::string>& domains)
{
    smtp::DoorPlan plan;
    plan.hostname = hostname;
    plan.domains = domains;
    for (const auto& path : o.allow)
        plan.networks.push_back({path, lists::CidrKind::allow});
    for (const auto& path : o.deny)
        plan.networks.push_back({path, lists::CidrKind::deny});
    plan.dnsbl = o.dnsbl;
    plan.dnsbl_file = o.dnsbl_file;
    plan.dnsbl_weight = o.dnsbl_weight;
    plan.early = std::chrono::milliseconds(o.early_wait);
    plan.helo.insert(o.helo_checks.begin(), o.helo_checks.end());
    plan.reverse = o.reverse_name == "named"       ? smtp::ReverseName::named
                   : o.reverse_name == "confirmed" ? smtp::ReverseName::confirmed
                                                   : smtp::ReverseName::none;
    plan.recipients = o.recipients;
    plan.classes = o.class_map;
    plan.tarpit = std::chrono::milliseconds(o.tarpit);
    if (auto read = read_rates(o, plan); !read)
        return pass(read);
    if (auto read = read_dry_run(o, plan); !read)
        return pass(read);
    if (o.greylist.empty())
        return plan;
    const auto delay = parse_duration(o.greylist);
    if (!delay)
        return fail(Status::usage, "--greylist is no time: " + printable(o.greylist), "write 5m");
    state::GreyPolicy grey;
    if (*delay >= grey.times.window)
        return fail(Status::usage, "--greylist is not shorter than the 4 hours in which senders must come back");
    grey.times.delay = *delay;
    grey.key = o.greylist_key == "triplet"          ? state::GreyKey::triplet
               : o.greylist_key == "network-domain" ? state::GreyKey::network_domain
                                                    : state::GreyKey::domain;
    plan.greylist = grey;
    plan.spf = [hostname](const smtp::DoorQuestion& question, dns::Resolver& resolver) {
        const auto result = auth::check_spf({question.ip, question.helo, question.from, hostname}, resolver);
        return result.result == "pass" ? result.domain : std::string{};
    };
    return plan;
}

Result<smtp::Destination> read_callout(const std::string& text)
{
    auto server = smtp::parse_destination(text);
    auto usable = server ? smtp::check_callout(*server) : Result<void>(std::unexpected(server.error()));
    if (usable)
        return server;
    usable.error().message = "--callout: " + usable.error().message;
    return pass(usable);
}

/// The door's row in mgw(7). Folders of lists rather than the files, which editors replace.
Rights door_rights(const smtp::DoorProcessOptions& door, const std::optional<smtp::Destination>& callout)
{
    Rights out;
    const auto& place = door.state.location;
    const bool is_unix = place.starts_with("redis+unix:");
    out.unix_sockets = is_unix || (callout && !callout->path.empty());
    out.network = door.dns.zone.empty() || (is_redis(place) && !is_unix) || (callout && callout->path.empty());
    if (out.network)
        out.read = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/services", "/etc/gai.conf"};
    for (const auto& file : door.plan.networks)
        out.read.push_back(folder_of(file.path));
    for (const auto* path : {&door.plan.dnsbl_file, &door.plan.recipients, &door.plan.classes})
        if (!path->empty())
            out.read.push_back(folder_of(*path));
    if (!place.empty() && !is_redis(place))
        out.write.push_back(folder_of(place));
    if (!door.dns.record.empty())
        out.write.push_back(folder_of(door.dns.record));
    return out;
}

Result<Status> list_state(cli::Tool& tool, state::Store& store, const std::string& prefix)
{
    const auto wanted = state::from_shown_key(prefix);
    if (!wanted)
        return fail(Status::usage, "no key is written like that: " + printable(prefix));
    auto items = store.list(*wanted, tool.clock().now());
    if (!items)
        return pass(items);
    for (const auto& item : *items) {
        const auto kind = state::item_kind_name(item.kind);
        const auto key = state::shown_key(item.key);
        const auto until = rfc3339(item.until);
        const std::string line = tool.common().json
                                     ? "{\"kind\":" + json_text(kind) + ",\"key\":" + json_text(key) +
                                           ",\"until\":" + json_text(until) + ",\"text\":" + json_text(item.text) + "}"
                                     : std::string(kind) + "\t" + key + "\t" + until + "\t" + item.text;
        std::puts(line.c_str());
    }
    return Status::ok;
}

} // namespace

Result<std::optional<DoorSetup>> DoorSetup::make(cli::Tool& tool, const DoorOptions& o, const std::string& hostname,
                                                 const std::vector<std::string>& domains)
{
    auto plan = read_plan(o, hostname, domains);
    if (!plan)
        return pass(plan);
    DoorSetup out;
    if (!o.callout.empty()) {
        auto server = read_callout(o.callout);
        if (!server)
            return pass(server);
        out.callout_ = *server;
        // an answer that comes after the front has gone on is of no use
        plan->callout = [server = *server, hostname,
                         timeout = std::chrono::milliseconds(700) * o.timeout](const std::string& recipient) {
            return smtp::call_out(server, hostname, recipient, timeout);
        };
    }
    if (plan->is_empty())
        return std::optional<DoorSetup>{};
    out.process_.plan = std::move(*plan);
    if (out.process_.plan.needs_state() || out.process_.plan.tarpit.count() > 0 || !o.state.empty()) {
        auto state = state_options(o);
        if (!state)
            return pass(state);
        out.process_.state = std::move(*state);
    }
    out.process_.dns = {o.dns_zone, o.dns_record, o.dns_server, std::chrono::milliseconds(o.dns_timeout_ms)};
    out.process_.threads = o.threads;
    out.process_.clock = tool.clock();
    out.process_.complain = [&tool](const Error& error) { tool.complain(error); };
    out.deadline_ = std::chrono::seconds(o.timeout);
    out.defers_ = o.on_error == "defer";
    return std::optional<DoorSetup>(std::move(out));
}

Result<void> DoorSetup::check(const cli::Tool& tool) const
{
    if (const auto& place = process_.state.location; !place.empty() && !is_redis(place))
        if (auto made = make_directories(folder_of(place)); !made)
            return made;
    return smtp::check_door(process_, tool.common().check, [&tool](const std::string& text) { tool.warn(text); });
}

Result<void> DoorSetup::connect(cli::Tool& tool, smtp::FrontOptions& front, smtp::SupervisorOptions& supervisor,
                                std::function<void()> close_all)
{
    auto link = smtp::make_door_link();
    if (!link)
        return pass(link);
    link_ = std::move(*link);
    process_.confine = [this, &tool]() -> Result<void> {
        auto confined = confine(door_rights(process_, callout_), tool.common().sandbox);
        if (!confined)
            return pass(confined);
        tool.explain("door process: " + *confined);
        return {};
    };
    smtp::DoorLinkOptions wanted;
    wanted.deadline = deadline_;
    wanted.defers = defers_;
    wanted.defers_recipients =
        !process_.plan.recipients.empty() || process_.plan.callout || !process_.plan.classes.empty();
    wanted.unused = process_.plan.unused_points();
    wanted.complain = process_.complain;
    front.make_door = [this, wanted](boost::asio::io_context& io) {
        link_.second.reset();
        return smtp::open_door_link(io, std::move(link_.first), wanted);
    };
    supervisor.door = [this, &tool, close_all = std::move(close_all)](Fd control) {
        close_all();
        link_.first.reset();
        auto ended = smtp::run_door(process_, std::move(link_.second), std::move(control));
        if (!ended)
            tool.complain(ended.error());
        return static_cast<int>(ended ? *ended : ended.error().status);
    };
    return {};
}

Result<Status> run_state(cli::Tool& tool, const DoorOptions& o)
{
    auto options = state_options(o);
    if (!options)
        return pass(options);
    if (!is_redis(options->location) && !std::filesystem::exists(options->location))
        return fail(Status::config, "there is no state at " + printable(options->location));
    auto store = state::open_store(*options);
    if (!store)
        return pass(store);
    if (o.state_action == "list") {
        if (o.state_keys.size() > 1)
            return fail(Status::usage, "list takes one beginning of keys");
        return list_state(tool, **store, o.state_keys.empty() ? std::string{} : o.state_keys.front());
    }
    if (o.state_keys.empty())
        return fail(Status::usage, "which keys shall be forgotten?", "mgw-recv state list shows them");
    bool all = true;
    for (const auto& shown : o.state_keys) {
        const auto key = state::from_shown_key(shown);
        if (!key)
            return fail(Status::usage, "no key is written like that: " + printable(shown));
        auto gone = (*store)->forget(*key);
        if (!gone)
            return pass(gone);
        if (*gone == 0) {
            tool.warn("there is no entry " + shown);
            all = false;
        }
    }
    return all ? Status::ok : Status::data;
}

} // namespace mgw::recv
