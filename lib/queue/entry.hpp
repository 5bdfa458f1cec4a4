#pragma once

#include "lib/mail/block.hpp"
#include "lib/mail/frame.hpp"
#include "lib/queue/record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::queue
{

/// What the header of a MSG record says: lines "key=value", an empty line, the envelope block.
struct Stored {
    bool quarantined = false;
    std::vector<std::string>
        recipients;     ///< numbers in the block that this record is for; the others are someone else's
    std::string reason; ///< why it is in quarantine, for people
    mail::Block block;
    std::string message; ///< the octets as received; empty where only the header was read
};
std::string header_text(const Stored& stored);
/// Status::data when it is malformed.
Result<Stored> parse_stored(std::string_view header);

/// What the header of any other record says: lines "key=value".
struct Event {
    std::vector<mail::Answer> results; ///< of recipients, by their number in the block; `to=NUMBER CODE ENHANCED TEXT`
    std::optional<std::uint64_t> next_us; ///< when to try again
    std::string reason;
    Id cause = 0; ///< another message: the notice that was queued, what a release became
};
std::string header_text(const Event& event);
Result<Event> parse_event(std::string_view header);

enum class State : char { ready, deferred, held, quarantined };
std::string_view state_name(State state);

/// A recipient that still waits.
struct Pending {
    std::string number;
    std::string path;
    unsigned attempts = 0;
    std::string last; ///< the last answer: "451 4.4.1 connection refused"
};

/// A message of the queue as `list` and `run` need it; its block and octets stay on disk.
struct Entry {
    Id id = 0;
    std::string mgw_id;
    std::string sender;
    std::vector<Pending> recipients;
    bool quarantined = false;
    bool held = false;
    std::string reason;         ///< of quarantine or hold
    std::uint64_t next_us = 0;  ///< due from then on; 0: at once
    std::uint64_t born_us = 0;  ///< time of the MSG record
    std::uint64_t event_us = 0; ///< time of the last event that counts
    std::uint64_t octets = 0;
    std::size_t segment = 0; ///< where it is: what the store makes of these
    std::uint64_t offset = 0;

    std::uint64_t arrived_us() const { return (id >> 16) * 16; }
    State state(std::uint64_t now_us) const;
    bool due(std::uint64_t now_us) const { return !quarantined && !held && next_us <= now_us; }
};
using Entries = std::map<Id, Entry>;

/// The entry that a MSG record begins.
Entry begin_entry(const RecordHead& head, const Stored& stored);

/// Applies an event. Finished is finished, in whatever order events come; of the others the later one by `time_us`
/// counts. False when the message is finished now.
bool apply(Entry& entry, Type type, std::uint64_t time_us, const Event& event);

} // namespace mgw::queue
