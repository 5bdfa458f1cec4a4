#pragma once

#include "lib/archive/record.hpp"
#include "lib/core/fd.hpp"

#include <functional>

namespace mgw::archive
{

struct Damage {
    std::uint64_t offset = 0;
    std::string what;
    bool torn = false; ///< the end of a write that a crash cut short: nobody was told that it is kept
};

/// Reads one pack. Foreign octets: every length is checked against the file.
class Pack {
public:
    /// Status::data when it is no pack, temp_fail when it cannot be read.
    static Result<Pack> open(const std::string& path);
    /// For tests: octets in memory.
    static Result<Pack> from_octets(std::string octets);

    const PackHead& head() const { return head_; }
    std::uint64_t size() const { return size_; }

    /// Calls `found` for each record from `offset` on, in order, its head checked. Octets that are no record are
    /// passed over to the next head of this pack and given to `damaged`. Returns where the last whole record ends.
    Result<std::uint64_t> walk(std::uint64_t offset,
                               const std::function<Result<void>(const RecordHead&, std::uint64_t)>& found,
                               const std::function<void(const Damage&)>& damaged);
    /// The head at `offset`. Status::data if there is none.
    Result<RecordHead> head_at(std::uint64_t offset);
    Result<Content> read(const RecordHead& head, std::uint64_t offset);
    /// Raw octets of the file; fewer at its end.
    Result<std::string> octets(std::uint64_t offset, std::size_t count);
    /// SHA-256 of the first `end` octets.
    Result<std::string> hash(std::uint64_t end);

private:
    std::optional<std::uint64_t> next_head(std::uint64_t offset);
    bool looks_torn(std::uint64_t offset);

    Fd fd_;
    std::string memory_;
    std::uint64_t size_ = 0;
    PackHead head_;
    std::string path_;
};

} // namespace mgw::archive
