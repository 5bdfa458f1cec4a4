#pragma once

#include "lib/archive/layout.hpp"
#include "lib/archive/manifest.hpp"
#include "lib/core/random.hpp"

namespace mgw::archive
{

/// One message to keep. Borrowed until append() returns.
struct Write {
    std::string_view block;
    std::string_view message;
    std::string id; ///< filled in by append()
};

struct WriterOptions {
    std::uint64_t pack_octets = 256U << 20; ///< size at which a pack is sealed and another begins
    Clock clock;
    Random random;
};

/// The one writer of a pack. Each process has a pack of its own, by a lock that ends with the process; it only appends.
class Writer {
public:
    Writer(std::string archive, WriterOptions options) : archive_(std::move(archive)), options_(std::move(options)) {}

    /// Appends all and flushes once; fills in the ids. When it fails none of them is kept, and the next call takes
    /// another pack.
    Result<void> append(std::vector<Write>& writes);
    /// Whether the last failure was one of space: 452 instead of 451.
    bool no_space() const { return no_space_; }

private:
    Result<void> take_pack(const std::string& month);
    bool resume(const PackFile& file);
    Result<void> begin_pack(const std::string& month);
    Result<void> put(std::string_view octets);
    Result<void> seal();
    Result<void> note_resumed();
    Result<void> note(Manifest::Entry entry);
    std::unexpected<Error> failed(int code, const std::string& what);
    std::string path() const { return archive_ + "/" + relative_; }

    std::string archive_;
    WriterOptions options_;
    Fd pack_;
    PackHead head_;
    std::string relative_;
    std::string month_;
    std::uint64_t end_ = 0;      ///< where the next record goes; all before is flushed
    std::uint64_t sequence_ = 0; ///< of the last record
    std::uint32_t abandoned_ = 0;
    bool no_space_ = false;
};

} // namespace mgw::archive
