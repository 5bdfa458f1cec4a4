#pragma once

#include "tools/mgw-filter/options.hpp"

namespace mgw::filter_tool
{

/// Prints what differs between two files, for people or (--json) as undo and redo read it. Status 0 when nothing does,
/// 1 when something does, as diff(1).
Result<Status> diff(cli::Tool& tool, const Options& options);

/// Undoes or does again the edits in a file on a message and writes what comes out. Status::data when they are not for
/// this message.
Result<Status> replay(cli::Tool& tool, const Options& options);

} // namespace mgw::filter_tool
