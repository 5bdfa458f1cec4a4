#pragma once

#include "lib/queue/lane.hpp"
#include "lib/queue/scan.hpp"
#include "lib/queue/store.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace mgw::queue
{

/// $MGW_SPOOL, or the folder mgw/spool of the user's state; empty without a home.
std::string default_spool();

/// Makes a spool where there is none. Status::config when it is of another version, or no spool.
Result<void> make_spool(const std::string& path);
/// Status::config when `path` is no spool of this version.
Result<void> require_spool(const std::string& path);

/// The queue in append-only files, mgw-queue(5). The index is in memory, built by reading the records' heads.
class Spool : public Store {
public:
    using Complain = std::function<void(const std::string&)>;
    /// `complain` hears once of each damage that a reading finds.
    Spool(std::string path, LaneOptions options, Complain complain)
        : path_(std::move(path)), options_(std::move(options)), complain_(std::move(complain))
    {}

    /// Takes a lane now, so that the first commit is quick.
    Result<void> take_lane();
    Result<void> commit(std::vector<Group>& groups) override;
    bool no_space() const override { return lane_ && lane_->no_space(); }
    double flush_milliseconds() const override { return lane_ ? lane_->flush_milliseconds() : 0; }

    Result<void> refresh() override;
    const Entries& entries() const override { return entries_; }
    Result<Stored> read(const Entry& entry) override;
    /// Removes segments of which nothing counts any more; damaged ones go to the folder damaged/.
    Result<std::size_t> reclaim() override;

    const std::string& path() const { return path_; }

private:
    struct Segment {
        unsigned lane = 0;
        std::uint64_t sequence = 0;
        SegmentHead head;
        bool readable = false;
        bool damaged = false;
        bool gone = false;
        std::uint64_t next = segment_head_octets;
        bool sealed = false;             ///< read to its end, and the lane has a later one
        std::size_t live = 0;            ///< messages here that are not finished
        std::set<std::size_t> refers_to; ///< segments whose messages its events are about
    };
    struct Pointed {
        std::size_t segment;
        Type type;
        Id id;
        std::uint64_t time_us;
        std::string header;
        bool waited = false; ///< its message was not there at an earlier look
    };

    void look_at(std::size_t index, std::uint64_t limit);
    bool may_go(std::size_t index);
    Result<void> remove(std::size_t index);
    void take_message(const Found& found, std::size_t index);
    void take_events();
    void damaged(Segment& segment, const std::string& what);
    std::vector<std::size_t> reclaimable() const;

    std::string path_;
    LaneOptions options_;
    Complain complain_;
    std::optional<Lane> lane_;
    std::vector<Segment> segments_;
    std::map<std::pair<unsigned, std::uint64_t>, std::size_t> by_name_;
    std::unordered_map<Id, std::size_t> home_; ///< segment of each message whose segment is still there
    std::vector<Pointed> events_;              ///< read, not yet applied
    std::set<std::pair<std::size_t, std::uint64_t>> complained_;
    Entries entries_;
};

/// What `check` found in one segment.
struct CheckedSegment {
    std::string name; ///< relative to the spool
    std::size_t records = 0;
    std::vector<Damage> damages;
    std::string error; ///< why it cannot be read at all
};
/// Verifies every octet of every segment.
Result<std::vector<CheckedSegment>> check_spool(const std::string& path);

} // namespace mgw::queue
