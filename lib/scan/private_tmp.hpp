#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"

#include <string>

namespace mgw::scan
{

/// A folder of this process family alone (0700) for what libclamav unpacks. A small process beside it holds nothing but
/// the end of a pipe and removes the folder when the last process of the family is gone, however it went: confined
/// processes could not, and killed ones would not.
class PrivateTmp {
public:
    /// In `parent`, or where that is empty in /dev/shm (a tmpfs), else $TMPDIR, else /tmp. Call it before workers are
    /// forked and before confinement.
    static Result<PrivateTmp> make(const std::string& parent);

    const std::string& path() const { return path_; }
    bool is_tmpfs() const { return tmpfs_; }

private:
    PrivateTmp() = default;
    std::string path_;
    bool tmpfs_ = false;
    Fd alive_; ///< never written to; closed by the kernel when the last holder ends
};

} // namespace mgw::scan
