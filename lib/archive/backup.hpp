#pragma once

#include "lib/archive/check.hpp"
#include "lib/archive/manifest.hpp"

namespace mgw::archive
{

struct Copied {
    std::vector<Finding> findings; ///< packs that were not copied, and why
    std::uint64_t packs = 0;       ///< in the backup, or restored
    std::uint64_t copied = 0;      ///< of these in this run
    std::uint64_t octets = 0;      ///< that this run copied
};

/// Copies sealed packs that `to` has not got yet, and open ones up to their last whole record. Each pack is verified
/// before it is copied and read back after; a damaged one never replaces its good copy. The manifest comes last, so
/// that a backup that was cut short is still the one before. Status::config when `to` is neither a backup nor free.
Result<Copied> backup(const std::string& archive, const std::string& to);

/// Makes the archive `archive`, which must not exist or be empty, from a backup. All of the backup is verified before
/// anything is written, and all that was written after; FORMAT comes last, so that a restore that was cut short is no
/// archive. Status::data when the backup is damaged.
Result<Copied> restore(const std::string& from, const std::string& archive);

} // namespace mgw::archive
