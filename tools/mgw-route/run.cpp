#include "run.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/address.hpp"
#include "lib/route/envelope.hpp"

#include <memory>

#include <unistd.h>

namespace mgw::route
{

namespace
{

/// The tables of the options, and one hash over all of them.
struct Loaded {
    Tables tables;
    std::string hash; ///< 16 hex digits
    std::vector<std::string> warnings;
};

class Loader {
public:
    explicit Loader(const Options& options) : options_(options) {}

    Result<Loaded> load()
    {
        for (const auto& step : {&Loader::load_domains, &Loader::load_aliases, &Loader::load_transports,
                                 &Loader::load_users, &Loader::load_srs})
            if (auto done = (this->*step)(); !done)
                return pass(done);
        out_.tables.delimiters = options_.delimiters;
        out_.tables.most_addresses = options_.alias_limit;
        out_.hash = hex(hash_.finish()).substr(0, 16);
        return std::move(out_);
    }

private:
    Result<lists::MapFile> read(const std::string& path, lists::MapForm form)
    {
        auto map = lists::read_map(path, form);
        if (map)
            hash_.add(map->sha256);
        return map;
    }

    Result<void> load_domains()
    {
        for (const auto& domain : options_.local_domains) {
            if (!lists::is_domain(domain))
                return fail(Status::usage, "--local-domain: \"" + printable(domain, 80) + "\" is not a domain");
            out_.tables.local_domains.insert(to_lower(domain));
        }
        if (!options_.local_domains.empty())
            out_.tables.origin = to_lower(options_.local_domains.front());
        for (const auto& pair : options_.redirect_domains) {
            const auto at = pair.find('=');
            const std::string old_domain = to_lower(pair.substr(0, at));
            const std::string new_domain = at == std::string::npos ? std::string{} : to_lower(pair.substr(at + 1));
            if (!lists::is_domain(old_domain) || !lists::is_domain(new_domain))
                return fail(Status::usage, "--redirect-domain: \"" + printable(pair, 80) + "\" is not OLD=NEW");
            out_.tables.redirect_domains[old_domain] = new_domain;
        }
        if (!options_.redirect.empty() &&
            (!lists::is_address(options_.redirect) || lists::domain_of(options_.redirect).empty()))
            return fail(Status::usage, "--redirect: \"" + printable(options_.redirect, 80) + "\" is not an address");
        out_.tables.redirect = options_.redirect;
        if (options_.relay.empty())
            return {};
        auto relay = parse_relay(options_.relay);
        if (!relay)
            return fail(Status::usage, "--relay: " + relay.error().message, relay.error().hint);
        out_.tables.relay = std::move(*relay);
        return {};
    }

    Result<void> load_aliases()
    {
        for (const auto& path : options_.aliases) {
            auto map = read(path, lists::MapForm::aliases);
            if (!map)
                return pass(map);
            if (auto added = out_.tables.aliases.add(*map); !added)
                return added;
        }
        for (const auto& hash : out_.tables.aliases.include_hashes())
            hash_.add(hash);
        warn(out_.tables.aliases.duplicates());
        const auto& bare = out_.tables.aliases.bare_key_at();
        if (!bare.empty() && options_.local_domains.empty())
            return fail(Status::config, bare + ": the name has no domain, and no domain is local",
                        "give --local-domain=DOMAIN, or write the name with its domain");
        return {};
    }

    Result<void> load_transports()
    {
        for (const auto& path : options_.transports) {
            auto map = read(path, lists::MapForm::transport);
            if (!map)
                return pass(map);
            if (auto added = out_.tables.transports.add(*map); !added)
                return added;
        }
        warn(out_.tables.transports.duplicates());
        return {};
    }

    Result<void> load_users()
    {
        for (const auto& path : options_.users) {
            auto map = read(path, lists::MapForm::users);
            if (!map)
                return pass(map);
            out_.tables.users.add(*map);
        }
        return {};
    }

    Result<void> load_srs()
    {
        if (options_.srs_domain.empty() != options_.srs_secret_file.empty())
            return fail(Status::usage, "--srs-domain and --srs-secret-file belong together");
        if (options_.srs_domain.empty())
            return {};
        if (!lists::is_domain(options_.srs_domain))
            return fail(Status::usage, "--srs-domain: \"" + printable(options_.srs_domain, 80) + "\" is not a domain");
        auto secrets = read_srs_secrets(options_.srs_secret_file);
        if (!secrets)
            return pass(secrets);
        out_.tables.srs.emplace(std::move(*secrets), options_.srs_domain);
        return {};
    }

    void warn(const std::vector<std::string>& lines)
    {
        out_.warnings.insert(out_.warnings.end(), lines.begin(), lines.end());
    }

    const Options& options_;
    Loaded out_;
    Sha256 hash_;
};

class Route final : public cli::Stage {
public:
    explicit Route(const Options& options) : options_(options) {}

    Result<void> prepare(cli::Tool& tool) override
    {
        auto loaded = Loader(options_).load();
        if (!loaded)
            return pass(loaded);
        for (const auto& warning : loaded->warnings)
            tool.warn(warning);
        hash_ = loaded->hash;
        router_ = std::make_unique<Router>(std::move(loaded->tables));
        return {};
    }

    std::string basis() const override { return hash_; }
    Rights rights() const override { return {}; }

    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        const Rerouted done = reroute(subject.block, *router_, context.clock.now());
        for (const auto& step : done.steps)
            context.explain(step);
        std::vector<std::pair<std::string, std::string>> values{
            {"routed", std::to_string(done.routed)}, {"refused", std::to_string(done.refused)}, {"tables", hash_}};
        if (!done.srs_sender.empty())
            values.emplace_back("sender", done.sender_before);
        subject.block.add_result("mgw-route", values);
        context.record.number("routed", static_cast<std::int64_t>(done.routed));
        context.record.number("skipped", static_cast<std::int64_t>(done.skipped));
        context.record.number("refused", static_cast<std::int64_t>(done.refused));
        if (!done.srs_sender.empty())
            context.record.address("srs_sender", done.srs_sender);
        context.record.text("tables", hash_);
        return {};
    }

private:
    const Options& options_;
    std::unique_ptr<Router> router_;
    std::string hash_;
};

std::string described(const Target& target)
{
    if (!target.verdict)
        return target.hop;
    const auto& v = *target.verdict;
    return std::string(mail::action_name(v.action)) +
           (v.code != 0 ? " " + std::to_string(v.code) + " " + v.enhanced : "") + " " + printable(v.text);
}

std::string json_look_up(std::string_view address, const Routing& routing)
{
    std::vector<std::string> targets;
    for (const auto& target : routing.targets)
        targets.push_back(target.address + " " + described(target));
    Record record;
    record.text("address", address).list("targets", targets).list("steps", routing.steps);
    return record.json() + "\n";
}

Result<Status> look_up(cli::Tool& tool, const Options& options)
{
    auto loaded = Loader(options).load();
    if (!loaded)
        return pass(loaded);
    for (const auto& warning : loaded->warnings)
        tool.warn(warning);
    const Router router(std::move(loaded->tables));
    std::string out;
    bool any_refused = false;
    for (const auto& address : options.addresses) {
        const auto path = mail::parse_path(address);
        if (!path || !lists::is_address(*path))
            return fail(Status::usage, "\"" + printable(address, 80) + "\" is not an address");
        const Routing routing = router.route(*path, tool.clock().now());
        for (const auto& target : routing.targets)
            any_refused = any_refused || target.verdict.has_value();
        if (tool.common().json) {
            out += json_look_up(*path, routing);
            continue;
        }
        out += printable(*path) + "\n";
        for (const auto& step : routing.steps)
            out += "  " + step + "\n";
    }
    if (auto written = write_all(STDOUT_FILENO, out); !written)
        return pass(written);
    return any_refused ? Status::refused : Status::ok;
}

} // namespace

Result<Status> run(cli::Tool& tool, const Options& options)
{
    if (options.lookup)
        return look_up(tool, options);
    Route stage(options);
    return cli::run_stage(tool, options.stage, stage);
}

} // namespace mgw::route
