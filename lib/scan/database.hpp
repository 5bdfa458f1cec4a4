#pragma once

#include "lib/core/result.hpp"
#include "lib/scan/engine.hpp"

#include <string>

namespace mgw::scan
{

/// What a folder of ClamAV files (or one file) holds, without loading it: the versions of signed files (.cvd, .cld) by
/// their headers, a hash over the names and contents of the others, ages. Status::config when there is nothing to load.
Result<Database> describe_database(const std::string& path);

/// The database to use where none is named: the one beside the installed tools (PREFIX/share/mgw/clamav), that of a
/// source tree (share/clamav) for tools that run from its build folder; empty if there is neither.
std::string default_database();

} // namespace mgw::scan
