#pragma once

#include "lib/core/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The spool's format on disk, octet for octet: mgw-queue(5). All numbers are little-endian.
namespace mgw::queue
{

/// A message in the queue: (microseconds since 1970 / 16) << 16 | lane << 8 | counter. Sorts by arrival, survives a
/// copy of the spool.
using Id = std::uint64_t;
/// 16 hex digits.
std::string id_text(Id id);
std::optional<Id> parse_id(std::string_view text);
inline unsigned id_lane(Id id)
{
    return static_cast<unsigned>(id >> 8) & 0xffU;
}

std::uint64_t microseconds(Time time);
Time from_microseconds(std::uint64_t us);

enum class Type : unsigned char { message = 1, attempt, done, bounced, hold, release, drop };
std::string_view type_name(Type type);

inline constexpr std::string_view format_line = "mgw-spool 1\n"; ///< contents of the file FORMAT
inline constexpr std::size_t segment_head_octets = 64;
inline constexpr std::size_t record_head_octets = 48;
inline constexpr std::size_t record_tail_octets = 8; ///< CRC of the body and the end mark, before the padding
inline constexpr std::string_view record_magic = "MGWr";
inline constexpr std::string_view record_end_mark = "rWGM";
inline constexpr std::size_t max_record_header = 4U << 20; ///< above the largest envelope block
inline constexpr std::uint64_t max_record_body = 1U << 30;

/// First 64 octets of a segment.
struct SegmentHead {
    std::uint32_t lane = 0;
    std::uint64_t sequence = 0;
    std::uint64_t created_us = 0;
    Id floor = 0; ///< the lane gave out no id above this one before
    std::uint32_t salt =
        0; ///< start value of every CRC here: octets of another segment, or of mail, never pass for a record
};
std::string encode(const SegmentHead& head);
std::optional<SegmentHead> decode_segment_head(std::string_view octets);

/// First 48 octets of a record.
struct RecordHead {
    Type type = Type::message;
    bool first = true; ///< begins a group: records that count all or not at all
    bool more = false; ///< the group goes on
    Id id = 0;
    std::uint64_t time_us = 0;
    std::uint64_t durable = 0; ///< up to this offset the segment had been flushed when the record was written
    std::uint64_t body_octets = 0;
    std::uint32_t header_octets = 0;

    /// Octets from the head to the padding's end: a multiple of 8.
    std::uint64_t total_octets() const
    {
        return (record_head_octets + header_octets + body_octets + record_tail_octets + 7) / 8 * 8;
    }
};
/// Head, with the CRC over it and `header`.
std::string encode(const RecordHead& head, std::string_view header, std::uint32_t salt);
/// What follows the body: its CRC, the end mark, padding.
std::string encode_tail(const RecordHead& head, std::string_view body, std::uint32_t salt);

/// Reads the fixed part and bounds its lengths; says nothing about the CRC.
std::optional<RecordHead> decode_record_head(std::string_view octets);
/// `octets` is the head; whether its CRC fits it and `header`.
bool head_is_whole(std::string_view octets, std::string_view header, std::uint32_t salt);
/// CRC of a body that is read in pieces: start with body_crc({}, salt).
std::uint32_t body_crc(std::string_view octets, std::uint32_t before);
/// `tail` is the 8 octets after the body.
bool tail_fits(std::string_view tail, std::uint32_t crc);

} // namespace mgw::queue
