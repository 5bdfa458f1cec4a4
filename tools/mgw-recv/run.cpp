#include "tools/mgw-recv/run.hpp"

#include "tools/mgw-recv/stdio_pump.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"
#include "lib/smtp/credential_keeper.hpp"
#include "lib/smtp/lane_supervisor.hpp"
#include "lib/smtp/listen.hpp"
#include "lib/smtp/server_front.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace mgw::recv
{

namespace
{

std::string host_name()
{
    std::array<char, HOST_NAME_MAX + 1> name{};
    ::gethostname(name.data(), HOST_NAME_MAX);
    return smtp::is_domain_or_literal(name.data()) ? name.data() : "localhost";
}

Result<void> become(const std::string& user)
{
    errno = 0;
    const passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr)
        return fail(Status::config, "no such user: " + user);
    if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 ||
        ::setuid(entry->pw_uid) != 0) {
        auto error = fail_errno(errno, "cannot become " + user);
        error.error().status = Status::config;
        return error;
    }
    return {};
}

/// The certificates with their keys, checked.
Result<std::vector<smtp::TlsPair>> read_certificates(const Options& o)
{
    std::vector<smtp::TlsPair> out;
    for (std::size_t i = 0; i < o.tls_cert.size(); ++i) {
        auto certificate = read_file(o.tls_cert[i]);
        if (!certificate)
            return pass(certificate);
        auto key = read_file(o.tls_key.empty() ? o.tls_cert[i] : o.tls_key[i]);
        if (!key)
            return pass(key);
        out.push_back({std::move(*certificate), std::move(*key)});
        if (auto usable = smtp::ServerTls::make({out.back()}); !usable) {
            auto error = usable.error();
            error.message += " (" + o.tls_cert[i] + ")";
            return std::unexpected(error);
        }
    }
    return out;
}

/// What the front needs; the supervisor reads it, for it has the rights.
Result<smtp::FrontOptions> front_options(cli::Tool& tool, const Options& o, const smtp::LanePlan& plan)
{
    smtp::FrontOptions out;
    const auto memory = parse_size(o.memory);
    if (!memory || *memory == 0)
        return fail(Status::usage, "--memory is no size: " + printable(o.memory), "write 256M");
    out.memory_octets = *memory;
    out.limits = tool.common().limits;
    out.server.hostname = o.hostname.empty() ? host_name() : o.hostname;
    if (!smtp::is_domain_or_literal(out.server.hostname))
        return fail(Status::usage, "--hostname is no host name: " + printable(o.hostname));
    out.server.data.message_octets = out.limits.message_octets;
    out.server.data.line_octets = o.text_line;
    out.server.data.normalize = o.bare_newlines == "normalize";
    out.server.strict = o.strict;
    out.server.messages = o.messages;
    out.server.recipients = plan.takes_many_recipients() ? out.limits.recipients : 1;
    out.server.errors = o.errors;
    out.server.domains = o.domains;
    out.connections = o.connections;
    out.connections_per_ip = o.connections_per_ip;
    out.command_timeout = std::chrono::seconds(o.command_timeout);
    out.session_timeout = std::chrono::seconds(o.session_timeout);
    out.data_timeout = std::chrono::seconds(o.data_timeout);
    out.data_rate = o.data_rate;
    out.lane_timeout = std::chrono::seconds(o.lane_timeout);
    out.drain_timeout = std::chrono::seconds(o.drain_timeout);
    out.per_message = plan.per_message;
    out.clock = tool.clock();
    out.random = tool.random();
    out.log = &tool.log();
    out.complain = [&tool](const Error& error) { tool.complain(error); };
    out.confine = [&tool]() -> Result<void> {
        // all sockets come from the supervisor, so not even socket() is left
        auto confined = confine(Rights{}, tool.common().sandbox);
        if (!confined)
            return pass(confined);
        tool.explain("front process: " + *confined);
        return {};
    };
    auto pairs = read_certificates(o);
    if (!pairs)
        return pass(pairs);
    out.tls = std::move(*pairs);
    out.ask_certificate = o.tls_ask_cert;
    if (auto set_up = set_up_auth(o.auth, !o.tls_cert.empty(), out); !set_up)
        return pass(set_up);
    return out;
}

struct Listeners {
    std::vector<smtp::BoundSocket> bound;
    std::vector<smtp::FrontListener> front;
};

Result<Listeners> bind_all(const Options& o)
{
    Listeners out;
    for (const auto* list : {&o.listen, &o.lmtp, &o.listen_tls, &o.auth.submission, &o.auth.submission_tls}) {
        for (const auto& address : *list) {
            auto bound = smtp::bind_listener(address);
            if (!bound)
                return pass(bound);
            out.front.push_back({.fd = bound->fd.value(),
                                 .lmtp = list == &o.lmtp,
                                 .submission = list == &o.auth.submission || list == &o.auth.submission_tls,
                                 .tls = list == &o.listen_tls || list == &o.auth.submission_tls,
                                 .name = bound->name});
            out.bound.push_back(std::move(*bound));
        }
    }
    return out;
}

void announce(cli::Tool& tool, const Options& o, const Listeners& listeners)
{
    std::string names;
    for (const auto& listener : listeners.bound) {
        std::fputs(("mgw-recv: listening on " + listener.shown + "\n").c_str(), stderr);
        names += listener.name + "\n";
    }
    if (!o.port_file.empty())
        if (auto written = write_durably(o.port_file, names); !written)
            tool.complain(written.error());
}

Result<Status> check(cli::Tool& tool, const smtp::LanePlan& plan)
{
    if (auto checked = smtp::check_lane(plan); !checked)
        return pass(checked);
    for (const auto& program : plan.foreign_programs())
        tool.warn(program + " is not of mgw: it runs unconfined");
    return Status::ok;
}

Result<Status> serve(cli::Tool& tool, const Options& o)
{
    auto plan = smtp::plan_lane(o.pipeline, o.per_message);
    if (!plan)
        return pass(plan);
    if (auto sink = smtp::require_sink(*plan); !sink)
        return pass(sink);
    share_log(tool, *plan);
    auto front = front_options(tool, o, *plan);
    if (!front)
        return pass(front);
    if (!o.auth.passwords.empty()) // by a keeper, so that even this process never has them
        if (auto keeper = smtp::start_keeper(o.auth.passwords, tool.common().sandbox); !keeper)
            return pass(keeper);
    auto door = DoorSetup::make(tool, o.door, front->server.hostname, o.domains);
    if (!door)
        return pass(door);
    if (tool.common().check) {
        if (*door)
            if (auto checked = (*door)->check(tool); !checked)
                return pass(checked);
        return check(tool, *plan);
    }
    auto listeners = bind_all(o);
    if (!listeners)
        return pass(listeners);
    if (!o.user.empty())
        if (auto became = become(o.user); !became)
            return pass(became);
    if (*door)
        if (auto checked = (*door)->check(tool); !checked)
            return pass(checked);
    StdioSocket stdio;
    if (o.smtp_stdio) {
        auto connected = connect_stdio();
        if (!connected)
            return pass(connected);
        stdio = std::move(*connected);
        front->connected = stdio.socket.value();
        front->connected_ip = o.envelope.client_ip;
    }
    smtp::SupervisorOptions supervisor;
    supervisor.plan = *plan;
    supervisor.start_timeout = std::chrono::seconds(o.lane_start_timeout);
    supervisor.lane_timeout = front->lane_timeout;
    supervisor.drain_timeout = front->drain_timeout;
    supervisor.front_ends = o.smtp_stdio;
    supervisor.certificates = [&]() -> Result<std::string> {
        auto pairs = read_certificates(o);
        if (!pairs) {
            auto error = pairs.error();
            error.hint = "the certificates in use stay";
            return std::unexpected(error);
        }
        front->tls = std::move(*pairs); // for a front that starts again
        return smtp::pack_pairs(front->tls);
    };
    supervisor.keeper = [&]() -> Result<Fd> {
        if (o.auth.passwords.empty())
            return Fd{};
        return smtp::start_keeper(o.auth.passwords, tool.common().sandbox);
    };
    supervisor.complain = front->complain;
    supervisor.warn = [&tool](const std::string& text) { tool.warn(text); };
    supervisor.ready = [&] {
        stdio.socket.reset(); // the front has it; the client must see when it ends
        announce(tool, o, *listeners);
    };
    supervisor.front = [&](Fd control) {
        stdio.done.reset();
        if (!o.auth.passwords.empty()) {
            auto keeper = smtp::start_keeper(o.auth.passwords, tool.common().sandbox);
            if (keeper)
                front->keeper = keeper->release();
            else
                tool.complain(keeper.error()); // AUTH waits for the next SIGHUP
        }
        auto ended = smtp::run_front(*front, listeners->front, std::move(control));
        if (!ended)
            tool.complain(ended.error());
        return static_cast<int>(ended ? *ended : ended.error().status);
    };
    const auto leave_to_front = [&] {
        stdio = {};
        listeners->bound.clear();
    };
    if (*door)
        if (auto connected = (*door)->connect(tool, *front, supervisor, leave_to_front); !connected)
            return pass(connected);
    auto ended = smtp::supervise(supervisor);
    stdio.socket.reset();
    if (stdio.done) {
        char octet = 0;
        [[maybe_unused]] const ssize_t n = ::read(stdio.done.value(), &octet, 1); // the last replies are out
    }
    return ended;
}

} // namespace

void share_log(const cli::Tool& tool, smtp::LanePlan& plan)
{
    if (!tool.common().log.empty())
        plan.environment.push_back("MGW_LOG=" + tool.common().log);
}

Result<Status> run(cli::Tool& tool, const Options& o)
{
    if (o.door.is_state_command)
        return run_state(tool, o.door);
    if (o.auth.is_passwd)
        return run_passwd(tool, o.auth);
    const bool listens = !o.listen.empty() || !o.lmtp.empty() || !o.listen_tls.empty() || o.auth.listens();
    if (static_cast<int>(listens) + static_cast<int>(o.from_stdin) + static_cast<int>(o.smtp_stdio) != 1)
        return fail(Status::usage, "give one of --listen (or --lmtp), --smtp-stdio, --stdin", "see mgw-recv --help");
    if (std::ranges::any_of(o.lmtp, [](const std::string& address) { return address.ends_with(":25"); }))
        return fail(Status::usage, "--lmtp on port 25: other servers would take it for SMTP (RFC 2033 section 5)");
    if (!o.tls_key.empty() && o.tls_key.size() != o.tls_cert.size())
        return fail(Status::usage, "--tls-key goes with --tls-cert: one for each, in the same order, or none");
    if (!o.listen_tls.empty() && o.tls_cert.empty())
        return fail(Status::usage, "--listen-tls needs --tls-cert");
    if (o.from_stdin)
        return run_stdin(tool, o);
    if (o.pipeline.empty())
        return fail(Status::usage, "mail needs somewhere to go: --pipeline is missing",
                    "give --pipeline 'mgw-queue add', with filters before it");
    return serve(tool, o);
}

} // namespace mgw::recv
