#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"
#include "lib/queue/record.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::queue
{

/// A segment's octets, read in pieces.
class Source {
public:
    virtual ~Source() = default;
    virtual std::uint64_t size() const = 0;
    /// Up to `count` octets at `offset`, fewer only at the end; valid until the next call.
    virtual Result<std::string_view> read(std::uint64_t offset, std::size_t count) = 0;
    /// The first offset at or after `offset` where octets may differ from zero; size() if there is none.
    virtual std::uint64_t next_data(std::uint64_t offset) { return offset < size() ? offset : size(); }
};

/// A segment in memory.
class MemorySource : public Source {
public:
    explicit MemorySource(std::string_view octets) : octets_(octets) {}
    std::uint64_t size() const override { return octets_.size(); }
    Result<std::string_view> read(std::uint64_t offset, std::size_t count) override
    {
        return offset < octets_.size() ? octets_.substr(offset, count) : std::string_view{};
    }

private:
    std::string_view octets_;
};

/// A segment in a file, read through a window; holes are skipped (SEEK_DATA).
class FileSource : public Source {
public:
    static Result<FileSource> open(const std::string& path);
    std::uint64_t size() const override { return size_; }
    Result<std::string_view> read(std::uint64_t offset, std::size_t count) override;
    std::uint64_t next_data(std::uint64_t offset) override;

private:
    Fd fd_;
    std::uint64_t size_ = 0;
    std::string window_;
    std::uint64_t window_offset_ = 0;
};

/// A record that counts.
struct Found {
    RecordHead head;
    std::uint64_t offset = 0;
    std::string header;
    std::uint64_t body_offset() const { return offset + record_head_octets + head.header_octets; }
    std::uint64_t end() const { return offset + head.total_octets(); }
};

/// Octets of a segment that are no whole record.
struct Damage {
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    bool torn = false; ///< looks like a write that a crash cut short: nobody was told that it is kept
    std::string what;
};

struct Scanned {
    std::vector<Found> records;  ///< of whole groups, in order
    std::vector<Damage> damages; ///< in order
    std::uint64_t next = 0;      ///< where a later scan goes on
    bool clean_end = false;      ///< nothing but zeros after `next`
};

struct ScanOptions {
    std::uint64_t from = segment_head_octets;
    std::uint64_t limit =
        0; ///< a living writer vouches for the octets before this offset; 0: the writer is gone, all is looked at
    bool every_body = false; ///< check the CRC of every body, not only of those that may be torn
};

/// Reads the records of a segment whose head is `segment`. After octets that are no record it looks for the next one,
/// in time linear in the segment's size. Groups are whole or left out; where flushed octets were damaged later, what is
/// left of the group counts. An unreadable disk is a damage, too.
Scanned scan(Source& source, const SegmentHead& segment, const ScanOptions& options = {});

/// The body of a record, its CRC checked. Status::data when it does not fit.
Result<std::string> read_body(Source& source, const SegmentHead& segment, const RecordHead& head, std::uint64_t offset);

/// Nothing but zeros: a segment whose writer ended before it had begun.
bool is_blank(Source& source);

/// The head of a segment. Status::data when it is none.
Result<SegmentHead> read_segment_head(Source& source);

} // namespace mgw::queue
