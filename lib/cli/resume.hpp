#pragma once

#include "lib/cli/stream.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace mgw::cli
{

/// What a file looked like where a run stopped in it.
struct Fingerprint {
    std::uint64_t octets = 0; ///< size of the file
    std::int64_t changed = 0; ///< time of its last change, nanoseconds
    std::string before;       ///< hash of what stands before the place, at most 64 KiB
    bool operator==(const Fingerprint&) const = default;
};

/// How far a run came: all that --resume FILE holds.
struct Mark {
    std::string tool;     ///< with its command
    std::string operands; ///< hash of their list
    std::string basis;    ///< hash of the options, and of what the stage's results rest on
    Shard shard;
    std::string run; ///< random: two runs must not share a file
    Position position;
    Fingerprint file; ///< of the one at the position, unless it is whole
    bool to_file = false;
    dev_t device = 0; ///< of the output, if it is a regular file
    ino_t inode = 0;
    std::uint64_t output_octets = 0; ///< its size then
    Status status = Status::ok;      ///< of the messages so far
    bool finished = false;
};

/// Lines "name value", the last one a hash of those before it.
std::string mark_text(const Mark& mark);
/// Status::config for what mark_text() did not write.
Result<Mark> parse_mark(std::string_view text);

/// Carries a run over interruptions. The promise:
/// - a message that is before the mark has been written, and is on disk where standard output is a regular file;
/// - a run that goes on begins behind the mark. Where it writes to the same regular file, that file is first cut back
///   to what it was at the mark, so that no message stands there twice or in part; on a pipe, what was written since
///   the mark is written again.
/// - an input that is not what it was is refused.
class Resume {
public:
    /// Reads FILE, if there is one, checks it against this run and the input, puts the input and the output in place,
    /// and writes FILE. Status::config where it does not fit, Status::usage where the input cannot be read from a
    /// place, Status::temp_fail where another run has the output. Before confinement.
    /// `basis` is Stage::basis().
    static Result<Resume> begin(Tool& tool, const std::string& path, const StreamOptions& options,
                                const std::string& basis, Input& input, int out_fd);
    /// The folder that must stay writable.
    std::string folder() const;
    /// Where the run that was interrupted ended for its messages.
    Status status() const { return mark_.status; }
    /// Notes that all up to `position` has been written, `octets` since the last call. It reaches the disk about once a
    /// second, more often in the first seconds, or `now`.
    Result<void> wrote(const Position& position, std::uint64_t octets, Status status, bool now = false);
    /// The run came to its end.
    Result<void> finish(const Position& position, Status status);

private:
    Resume() = default;
    Result<void> take_output();
    Result<void> save();

    std::string path_;
    int in_fd_ = 0;
    int out_fd_ = 1;
    Mark mark_;
    std::uint64_t expected_ = 0; ///< size of the output file
    bool dirty_ = false;
    std::int64_t begun_at_ = 0;
    std::int64_t saved_at_ = 0;
};

} // namespace mgw::cli
