#pragma once

#include "lib/core/result.hpp"
#include "lib/queue/entry.hpp"
#include "lib/queue/record.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::queue
{

/// One record to write. `body` is borrowed until commit() returns.
struct Write {
    Type type = Type::message;
    Id id = 0; ///< 0 for a new message: commit() gives it one
    std::uint64_t not_before_us =
        0; ///< the record's time is at least this: an event after the last one that its writer knew
    std::string header;
    std::string_view body;
};
/// Records that are kept all or not at all.
using Group = std::vector<Write>;

/// What keeps the queue. The tool's commands need no more than this, so the queue may live elsewhere than in a spool.
class Store {
public:
    virtual ~Store() = default;

    /// Keeps all groups durably, with one flush. When it fails none of them is kept.
    virtual Result<void> commit(std::vector<Group>& groups) = 0;
    /// After a failed commit: whether space was what was missing.
    virtual bool no_space() const = 0;
    virtual double flush_milliseconds() const = 0;

    /// Looks for what others have written since.
    virtual Result<void> refresh() = 0;
    /// The messages of the queue, finished ones excluded, as of the last refresh().
    virtual const Entries& entries() const = 0;
    /// Envelope and octets of one message. Status::data when it is damaged.
    virtual Result<Stored> read(const Entry& entry) = 0;
    /// Gives space back that finished messages held. Returns how many files went.
    virtual Result<std::size_t> reclaim() = 0;
};

} // namespace mgw::queue
