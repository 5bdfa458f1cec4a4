#include "tools/mgw-recv/run.hpp"
#include "tools/mgw-recv/start.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/lane_supervisor.hpp"
#include "lib/smtp/milter_front.hpp"

#include <algorithm>

namespace mgw::recv
{

namespace
{

/// As mail servers write sockets of milters, in the form of --listen.
Result<std::string> listen_address(std::string_view socket)
{
    const auto colon = std::min(socket.find(':'), socket.size());
    const auto kind = socket.substr(0, colon);
    const auto rest = socket.substr(std::min(colon + 1, socket.size()));
    const auto at = rest.find('@');
    if (kind == "unix" || kind == "local")
        return "unix:" + std::string(rest);
    if ((kind != "inet" && kind != "inet6") || at == std::string_view::npos)
        return fail(Status::usage, "--milter names no socket: " + printable(socket),
                    "write inet:8891@127.0.0.1, inet6:8891@::1 or unix:/run/mgw/milter");
    const std::string port(rest.substr(0, at));
    const std::string host(rest.substr(at + 1));
    return (kind == "inet6" ? "[" + host + "]" : host) + ':' + port;
}

Result<smtp::MilterFrontOptions> milter_options(cli::Tool& tool, const Options& o, const smtp::LanePlan& plan)
{
    smtp::MilterFrontOptions out;
    const auto memory = parse_size(o.memory);
    if (!memory || *memory == 0)
        return fail(Status::usage, "--memory is no size: " + printable(o.memory), "write 256M");
    out.memory_octets = *memory;
    out.limits = tool.common().limits;
    out.rules.mixed = o.milter.mixed == "defer" ? smtp::MilterMixed::defer : smtp::MilterMixed::remove;
    out.rules.drop_made = o.milter.made == "drop";
    out.connections = o.connections;
    out.session_timeout = std::chrono::seconds(o.session_timeout);
    out.lane_timeout = std::chrono::seconds(o.lane_timeout);
    out.drain_timeout = std::chrono::seconds(o.drain_timeout);
    out.per_message = plan.per_message;
    out.clock = tool.clock();
    out.random = tool.random();
    out.log = &tool.log();
    out.complain = [&tool](const Error& error) { tool.complain(error); };
    out.warn = [&tool](const std::string& text) { tool.warn(text); };
    out.confine = [&tool] { return confine_front(tool); };
    return out;
}

} // namespace

Result<Status> run_milter(cli::Tool& tool, const Options& o)
{
    auto plan = smtp::plan_lane(o.pipeline, o.per_message);
    if (!plan)
        return pass(plan);
    if (auto filters = smtp::require_filters(*plan); !filters)
        return pass(filters);
    plan->gives_frames = true;
    share_log(tool, *plan);
    auto front = milter_options(tool, o, *plan);
    if (!front)
        return pass(front);
    std::vector<std::string> addresses;
    for (const auto& socket : o.milter.listen) {
        auto address = listen_address(socket);
        if (!address)
            return pass(address);
        addresses.push_back(std::move(*address));
    }
    if (tool.common().check)
        return check(tool, *plan);
    std::vector<smtp::BoundSocket> bound;
    std::vector<smtp::MilterListener> listeners;
    for (const auto& address : addresses) {
        auto socket = smtp::bind_listener(address);
        if (!socket)
            return pass(socket);
        listeners.push_back({socket->fd.value(), socket->name});
        bound.push_back(std::move(*socket));
    }
    if (!o.user.empty())
        if (auto became = become(o.user); !became)
            return pass(became);
    smtp::SupervisorOptions supervisor;
    supervisor.plan = *plan;
    supervisor.start_timeout = std::chrono::seconds(o.lane_start_timeout);
    supervisor.lane_timeout = front->lane_timeout;
    supervisor.drain_timeout = front->drain_timeout;
    supervisor.complain = front->complain;
    supervisor.warn = front->warn;
    supervisor.ready = [&] { announce(tool, o, bound); };
    supervisor.front = [&](Fd control) {
        auto ended = smtp::run_milter_front(*front, listeners, std::move(control));
        if (!ended)
            tool.complain(ended.error());
        return static_cast<int>(ended ? *ended : ended.error().status);
    };
    return smtp::supervise(supervisor);
}

} // namespace mgw::recv
