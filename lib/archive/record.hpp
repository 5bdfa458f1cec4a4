#pragma once

#include "lib/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The archive's format on disk, octet for octet: mgw-archive(5). All numbers are little-endian.
namespace mgw::archive
{

inline constexpr std::string_view format_line = "mgw-archive 1\n"; ///< contents of the file FORMAT
inline constexpr std::size_t pack_head_octets = 64;
inline constexpr std::size_t record_head_octets = 120;
inline constexpr std::size_t max_block_octets = 4U << 20;
inline constexpr std::uint64_t max_message_octets = 1U << 30;

/// First 64 octets of a pack.
struct PackHead {
    std::uint32_t number = 0;
    std::uint64_t created_us = 0;
    std::uint32_t salt =
        0; ///< start value of every CRC in this pack: archived packs inside mail never pass for records
};
std::string encode(const PackHead& head);
std::optional<PackHead> decode_pack_head(std::string_view octets);

enum class Kind : unsigned char {
    message = 1,
    seal = 2 ///< ends a pack: `sequence` counts it, `sha256` is that of all octets before
};

/// First 120 octets of a record.
struct RecordHead {
    Kind kind = Kind::message;
    bool compressed = false;
    std::uint64_t sequence = 0; ///< 1, 2, 3 … in the pack
    std::uint64_t time_us = 0;
    std::string id; ///< ULID; 26 zeros for a seal
    std::uint32_t block_octets = 0;
    std::uint64_t message_octets = 0;
    std::uint64_t stored_octets = 0; ///< of the message as it is stored
    std::string sha256;              ///< raw, of the message
    std::uint32_t data_crc = 0;      ///< of block and stored octets

    std::uint64_t total_octets() const { return (record_head_octets + block_octets + stored_octets + 7) / 8 * 8; }
};
std::string encode(const RecordHead& head, std::uint32_t salt);
/// Checks the head's own CRC and bounds its lengths; nothing if it is no head of this pack.
std::optional<RecordHead> decode_record_head(std::string_view octets, std::uint32_t salt);

/// A whole record: head, block, message (compressed where that is smaller), padding.
std::string make_record(std::uint64_t sequence, std::uint64_t time_us, const std::string& id, std::string_view block,
                        std::string_view message, std::uint32_t salt);
std::string make_seal(std::uint64_t sequence, std::uint64_t time_us, const std::string& sha256, std::uint32_t salt);

struct Content {
    std::string block;
    std::string message;
};
/// `data` is what follows the head. Checks CRC, length and SHA-256. Status::data says which of them is wrong.
Result<Content> open_record(const RecordHead& head, std::string_view data, std::uint32_t salt);

} // namespace mgw::archive
