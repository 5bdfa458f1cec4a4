#pragma once

#include "lib/core/result.hpp"

#include <string>

namespace mgw
{

/// This user's key for tags on envelope blocks: 32 octets, mode 0600, at `path` or $XDG_STATE_HOME/mgw/key (default
/// ~/.local/state/mgw/key). Made on first use by a temporary file and link(2), so that two first users agree.
/// An empty string when there is no home; Status::config when the file is there but not usable (mode, owner, length).
Result<std::string> load_key(const std::string& path = {});

/// $XDG_STATE_HOME/mgw or ~/.local/state/mgw; empty without a home.
std::string state_directory();

} // namespace mgw
