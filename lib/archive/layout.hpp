#pragma once

#include "lib/archive/record.hpp"
#include "lib/core/clock.hpp"
#include "lib/core/fd.hpp"

#include <vector>

namespace mgw::archive
{

/// ~/.local/state/mgw/archive; empty without a home.
std::string default_archive();
/// Makes the folders and FORMAT where the folder is missing or empty. Status::config when it is something else.
Result<void> make_archive(const std::string& path);
/// Status::config when there is no archive of this format.
Result<void> require_archive(const std::string& path);
/// Nothing there, or an empty folder.
bool is_free(const std::string& path);

struct PackFile {
    std::uint32_t number = 0;
    std::string path;  ///< below the archive: packs/2026/11/000001.pack
    std::string month; ///< "2026/11"
    std::uint64_t size = 0;
    bool sealed = false; ///< mode 0444
};
/// All packs by number.
std::vector<PackFile> packs_of(const std::string& archive);
std::string pack_path(std::uint32_t number, const std::string& month);
/// "2026/11", in UTC.
std::string month_of(Time time);
std::uint64_t microseconds(Time time);
Time from_microseconds(std::uint64_t us);

/// Takes an exclusive lock that ends with the descriptor; waits for it, or nothing where `waits` is false.
bool lock(int fd, bool waits);
/// The archive's own lock: for beginning and sealing packs. Held until the descriptor is closed.
Result<Fd> lock_archive(const std::string& archive);

} // namespace mgw::archive
