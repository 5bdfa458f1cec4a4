#pragma once

#include "lib/core/result.hpp"

#include <string>
#include <string_view>

#include <sys/types.h>

namespace mgw
{

/// Writes a whole file so that after a crash it is there entire or not at all: temporary file, fsync, rename, fsync of
/// the folder.
Result<void> write_durably(const std::string& path, std::string_view octets, mode_t mode = 0644);

/// Flushes a folder's entries to disk.
Result<void> sync_directory(const std::string& path);

/// Makes a folder and its parents (mode 0700 for the last one), each flushed to disk.
Result<void> make_directories(const std::string& path, mode_t mode = 0700);

} // namespace mgw
