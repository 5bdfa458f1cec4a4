#pragma once

#include "lib/smtp/lane.hpp"
#include "lib/smtp/listen.hpp"
#include "tools/mgw-recv/options.hpp"

#include <string>
#include <vector>

/// What all ways of serving have in common while they start.
namespace mgw::recv
{

/// Gives up this user's rights for those of `user`. Status::config when there is no such user.
Result<void> become(const std::string& user);

/// Says where mail is taken: on standard error, and in --port-file.
void announce(cli::Tool& tool, const Options& o, const std::vector<smtp::BoundSocket>& sockets);

/// --check: the stages' own checks, and what runs unconfined.
Result<Status> check(cli::Tool& tool, const smtp::LanePlan& plan);

/// Takes every right from the process that reads foreign octets.
Result<void> confine_front(cli::Tool& tool);

/// The stages write their records where this tool does, unless one has a --log of its own.
void share_log(const cli::Tool& tool, smtp::LanePlan& plan);

} // namespace mgw::recv
