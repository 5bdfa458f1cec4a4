#include "tools/mgw-recv/start.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/sandbox.hpp"

#include <cerrno>
#include <cstdio>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace mgw::recv
{

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

void announce(cli::Tool& tool, const Options& o, const std::vector<smtp::BoundSocket>& sockets)
{
    std::string names;
    for (const auto& listener : sockets) {
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

Result<void> confine_front(cli::Tool& tool)
{
    // all sockets come from the supervisor, so not even socket() is left
    auto confined = confine(Rights{}, tool.common().sandbox);
    if (!confined)
        return pass(confined);
    tool.explain("front process: " + *confined);
    return {};
}

void share_log(const cli::Tool& tool, smtp::LanePlan& plan)
{
    if (!tool.common().log.empty())
        plan.environment.push_back("MGW_LOG=" + tool.common().log);
}

} // namespace mgw::recv
