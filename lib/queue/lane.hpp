#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"
#include "lib/queue/record.hpp"
#include "lib/queue/store.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mgw::queue
{

inline constexpr unsigned lane_count = 64;

/// DIR/lanes/07
std::string lane_path(const std::string& spool, unsigned lane);
std::string segment_path(const std::string& spool, unsigned lane, std::uint64_t sequence);
/// Sequence numbers of a lane's segments, in order; none when there is no such lane.
std::vector<std::uint64_t> segments_of(const std::string& spool, unsigned lane);

/// How far the writer of a lane has flushed, as its file `lock` tells: readers look no further while the writer lives.
struct LaneMark {
    bool writer_lives = false;
    std::uint64_t sequence = 0;
    std::uint64_t flushed = 0;
    Id last_id = 0; ///< no id of this lane is above it
};
LaneMark read_mark(const std::string& spool, unsigned lane);

struct LaneOptions {
    std::uint64_t segment_octets = 64U << 20;
    bool from_top =
        false; ///< take the highest free lane: events apart from arrivals, so that arrivals' segments can go first
    Clock clock;
};

/// The one writer of a lane. It only appends; nothing that another writer left unfinished is repaired, a new segment
/// begins instead.
class Lane {
public:
    /// Takes the first free lane of the spool, by a lock that ends with the process.
    static Result<Lane> open(const std::string& spool, const LaneOptions& options);
    /// Takes this lane, or nothing if it has a writer. For removing its segments.
    static std::optional<Fd> lock(const std::string& spool, unsigned lane);

    /// Appends all groups and flushes once; fills in the ids of new messages. When it fails nothing of them is kept,
    /// the segment is left behind and the next call begins another.
    Result<void> commit(std::vector<Group>& groups);
    /// Whether the last failure was one of space (ENOSPC, EDQUOT, file size limit): 452 instead of 451.
    bool no_space() const { return no_space_; }
    /// How long the last flush took.
    double flush_milliseconds() const { return flush_ms_; }

    unsigned number() const { return number_; }
    std::uint64_t sequence() const { return head_.sequence; }

private:
    Lane(std::string spool, LaneOptions options) : spool_(std::move(spool)), options_(std::move(options)) {}

    Result<void> resume();
    Result<void> begin_segment(std::uint64_t first_octets);
    Result<void> reserve(std::uint64_t octets);
    Result<void> append(std::vector<Group>& groups);
    Result<void> flush();
    void publish();
    void abandon(std::uint64_t keep);
    Id next_id();
    std::unexpected<Error> failed(int code, const std::string& what);

    std::string spool_;
    LaneOptions options_;
    unsigned number_ = 0;
    Fd lock_;
    Fd segment_;
    SegmentHead head_;
    std::uint64_t end_ = 0; ///< where the next record goes
    std::uint64_t flushed_ = 0;
    std::uint64_t allocated_ = 0;
    Id last_id_ = 0;
    bool no_space_ = false;
    double flush_ms_ = 0;
};

} // namespace mgw::queue
