#pragma once

#include "lib/archive/layout.hpp"
#include "lib/archive/pack.hpp"

#include <vector>

namespace mgw::archive
{

/// What is wrong with one file.
struct Finding {
    std::string path;
    std::string what;
    bool torn = false; ///< no damage: the end of a write that nobody was told of
};

struct PackCheck {
    std::vector<Finding> findings;
    std::uint64_t records = 0;
    std::uint64_t end = 0; ///< where the last whole record ends
    bool sealed = false;   ///< has its seal, which fits
    bool bad() const;
};
/// Reads every octet of a pack: heads, CRCs, decompression, SHA-256 of each message, sequence, seal.
PackCheck check_pack(const std::string& archive, const PackFile& file);

struct Checked {
    std::vector<Finding> findings;
    std::uint64_t packs = 0;
    std::uint64_t messages = 0;
    std::uint64_t damages = 0; ///< findings that are not torn ends
};
/// All packs, and the packs against the manifest.
Checked check_archive(const std::string& archive);

} // namespace mgw::archive
