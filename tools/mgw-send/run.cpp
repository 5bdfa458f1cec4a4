#include "tools/mgw-send/run.hpp"

#include "tools/mgw-send/courier.hpp"
#include "tools/mgw-send/tls_policies.hpp"

#include "lib/core/ip.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/core/text.hpp"

#include <array>
#include <climits>
#include <unistd.h>

namespace mgw::send
{

namespace
{

constexpr std::size_t most_in_flight = 1000;

std::string host_name()
{
    std::array<char, HOST_NAME_MAX + 1> name{};
    ::gethostname(name.data(), HOST_NAME_MAX);
    return name[0] == '\0' ? "localhost" : name.data();
}

Result<std::optional<smtp::Destination>> default_destination(const Options& options)
{
    std::string text = options.deliver;
    if (text.empty() && options.maildirs.size() == 1)
        text = "maildir:" + options.maildirs.front();
    if (text.empty())
        return std::optional<smtp::Destination>{};
    auto parsed = smtp::parse_destination(text);
    if (!parsed)
        return pass(parsed);
    return std::optional(std::move(*parsed));
}

/// Folders as absolute paths: the process may be confined, and a destination names them so.
std::vector<std::string> absolute(std::vector<std::string> folders)
{
    std::array<char, PATH_MAX> here{};
    for (auto& folder : folders) {
        while (folder.size() > 1 && folder.ends_with('/'))
            folder.pop_back();
        if (!folder.starts_with('/') && ::getcwd(here.data(), here.size()) != nullptr)
            folder = std::string(here.data()) + "/" + folder;
    }
    return folders;
}

Result<smtp::Commands> commands_of(const Options& options, const std::optional<smtp::Destination>& destination)
{
    smtp::Commands commands;
    for (const auto& text : options.commands)
        if (auto added = smtp::add_command(commands, text); !added)
            return pass(added);
    if (destination && destination->kind == smtp::Destination::Kind::pipe && !commands.contains(destination->path))
        return fail(Status::usage, "--deliver pipe:" + destination->path + ": no such --command",
                    "declare it: --command '" + destination->path + "=program argument'");
    return commands;
}

/// Live look-ups wait: several resolvers side by side. A zone file never waits, and a recorder writes one file.
Result<std::vector<std::unique_ptr<dns::Resolver>>> make_resolvers(const Options& options)
{
    dns::Options choice{options.dns_zone, options.dns_record, options.dns_server};
    choice.trusted = options.dns_trusted;
    const std::size_t count = choice.zone.empty() && choice.record.empty() ? 4 : 1;
    std::vector<std::unique_ptr<dns::Resolver>> resolvers;
    for (std::size_t i = 0; i < count; ++i) {
        auto resolver = dns::open_resolver(choice);
        if (!resolver)
            return pass(resolver);
        resolvers.push_back(std::move(*resolver));
    }
    return resolvers;
}

Result<void> check_sources(const std::vector<std::string>& sources)
{
    bool v4 = false;
    bool v6 = false;
    for (const auto& source : sources) {
        const auto ip = parse_ip(source);
        if (!ip)
            return fail(Status::usage, "--source " + printable(source, 60) + " is not an address");
        if (std::exchange(ip->is_v4 ? v4 : v6, true))
            return fail(Status::usage, "--source names two addresses of one family");
    }
    return {};
}

/// Feeds the courier from the input, within the bounds on what may be in memory.
class Feeder {
public:
    Feeder(cli::SinkStream& sink, Courier& courier, smtp::Pool& pool, std::uint64_t memory)
        : sink_(sink), courier_(courier), pool_(pool), memory_(memory)
    {
        courier_.on_done = [this] {
            if (paused_ && has_room()) {
                paused_ = false;
                start();
            }
        };
    }

    void start()
    {
        if (sink_.input().is_stream())
            pool_.watch(sink_.input().fd(), [this] { return readable(); });
        else
            pool_.after(std::chrono::milliseconds(0), [this] { next_message(); });
    }
    const std::optional<Error>& error() const { return error_; }

private:
    bool has_room() const { return courier_.octets() < memory_ && courier_.in_flight() < most_in_flight; }

    bool end(std::optional<Error> error)
    {
        error_ = std::move(error);
        pool_.finish();
        return false;
    }

    /// Takes what is complete already; false when there is no room for more now.
    bool take_ready()
    {
        while (has_room()) {
            auto item = sink_.input().take();
            if (!item) {
                end(item.error());
                return false;
            }
            if (!*item)
                return true;
            courier_.take(std::move(**item));
        }
        paused_ = true;
        return false;
    }

    bool readable()
    {
        if (courier_.trouble())
            return end({});
        if (!take_ready())
            return false;
        auto more = sink_.input().read_some();
        if (!more)
            return end(more.error());
        if (*more)
            return take_ready();
        if (!take_ready())
            return false; // paused: another look when there is room
        if (sink_.input().buffered_octets() > 0)
            return end(Error{Status::temp_fail, "the input ends inside a frame"});
        return end({});
    }

    void next_message()
    {
        while (has_room()) {
            auto item = courier_.trouble() ? Result<std::optional<cli::Item>>(std::optional<cli::Item>{})
                                           : sink_.input().next();
            if (!item || !*item) {
                end(item ? std::nullopt : std::optional(item.error()));
                return;
            }
            courier_.take(std::move(**item));
        }
        paused_ = true;
    }

    cli::SinkStream& sink_;
    Courier& courier_;
    smtp::Pool& pool_;
    std::uint64_t memory_;
    std::optional<Error> error_;
    bool paused_ = false;
};

} // namespace

Result<Status> run(cli::Tool& tool, const Options& options)
{
    auto destination = default_destination(options);
    if (!destination)
        return pass(destination);
    auto folders = absolute(options.maildirs);
    if (*destination && (*destination)->kind == smtp::Destination::Kind::maildir) {
        if (options.deliver.empty())
            (*destination)->path = folders.front();
        else if (folders.empty())
            folders.push_back((*destination)->path);
    }
    auto commands = commands_of(options, *destination);
    if (!commands)
        return pass(commands);
    auto resolvers = make_resolvers(options);
    if (!resolvers)
        return pass(resolvers);
    const std::string name = options.name.empty() ? host_name() : options.name;
    const smtp::Maildir maildir(folders, name);
    if (auto made = maildir.prepare(); !made)
        return pass(made);
    if (*destination && (*destination)->kind == smtp::Destination::Kind::maildir &&
        !maildir.is_allowed((*destination)->path))
        return fail(Status::usage, "--deliver " + (*destination)->key() + " is not below a --maildir folder",
                    "name the folder with --maildir");

    smtp::Pipes pipes;
    if (auto started = pipes.start(std::move(*commands), std::chrono::seconds(options.command_timeout)); !started)
        return pass(started);
    auto policies = TlsPolicies::open(tool, options);
    if (!policies)
        return pass(policies);
    if (auto fits = check_sources(options.sources); !fits)
        return pass(fits);
    smtp::PoolOptions settings;
    settings.helo = name;
    settings.tls = policies->plan();
    settings.tls_ca = options.tls_ca;
    settings.sources = options.sources;
    if (!options.auth_file.empty()) {
        auto logins = smtp::Logins::read(options.auth_file);
        if (!logins)
            return pass(logins);
        settings.logins = std::move(*logins);
    }
    settings.connections = options.connections;
    settings.per_destination = options.destination_connections;
    settings.connect_timeout = std::chrono::seconds(options.connect_timeout);
    settings.reply_timeout = std::chrono::seconds(options.reply_timeout);
    settings.idle = std::chrono::seconds(options.idle);
    smtp::Pool pool(settings, std::move(*resolvers), smtp::find_self(name));
    if (auto prepared = pool.prepare(); !prepared)
        return pass(prepared);
    if (tool.common().check)
        return Status::ok;

    cli::SinkStream sink(tool, options.stream, options.envelope);
    if (!*destination && !sink.frames())
        return fail(Status::usage, "no destination",
                    "name one: --deliver smtp:[HOST]:PORT, --deliver mx, --maildir DIR");
    if (!*destination && folders.empty()) // frames without a hop go where the DNS says
        *destination = smtp::Destination{.kind = smtp::Destination::Kind::mx};
    if (auto key = sink.input().prepare(); !key)
        return pass(key);
    Rights rights{.read = {"/etc/ssl", "/usr/lib/ssl", "/etc/resolv.conf", "/etc/hosts"},
                  .write = maildir.allowed(),
                  .network = true,
                  .unix_sockets = true};
    rights.read.insert(rights.read.end(), options.stream.operands.begin(), options.stream.operands.end());
    if (!options.tls_ca.empty())
        rights.read.push_back(options.tls_ca);
    if (const auto folder = policies->state_folder(); !folder.empty())
        rights.write.push_back(folder);
    if (!options.dns_record.empty())
        rights.write.push_back(options.dns_record);
    auto confined = confine(rights, tool.common().sandbox);
    if (!confined)
        return pass(confined);
    tool.explain("confinement: " + *confined);
    if (auto ready = sink.ready(); !ready)
        return pass(ready);
    // end of initialization

    Courier courier(tool,
                    {pool, maildir, pipes, *destination,
                     options.line_ends == "keep" ? smtp::LineEnds::keep : smtp::LineEnds::lf, options.recipients,
                     options.downgrade},
                    sink);
    Feeder feeder(sink, courier, pool, options.memory);
    feeder.start();
    pool.run();
    if (feeder.error())
        return std::unexpected<Error>(*feeder.error());
    if (courier.trouble())
        return std::unexpected<Error>(*courier.trouble());
    return sink.frames() ? Status::ok : sink.status();
}

} // namespace mgw::send
