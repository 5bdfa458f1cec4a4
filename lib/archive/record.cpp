#include "lib/archive/record.hpp"

#include "lib/core/binary.hpp"
#include "lib/core/hash.hpp"

#include <zstd.h>

namespace mgw::archive
{

namespace
{

constexpr std::string_view pack_magic = "MGWPACK\n";
constexpr std::string_view record_magic = "MGWa";
constexpr std::uint32_t pack_version = 1;
constexpr char record_version = 1;
constexpr std::uint16_t flag_zstd = 1;
constexpr int zstd_level = 3;
constexpr std::size_t id_octets = 26;
constexpr std::size_t hash_octets = 32;

/// Compressed, or empty where that saves nothing.
std::string compressed(std::string_view octets)
{
    std::string out(ZSTD_compressBound(octets.size()), '\0');
    const std::size_t n = ZSTD_compress(out.data(), out.size(), octets.data(), octets.size(), zstd_level);
    if (ZSTD_isError(n) != 0 || n >= octets.size())
        return {};
    out.resize(n);
    return out;
}

} // namespace

std::string encode(const PackHead& head)
{
    std::string out(pack_magic);
    put(out, pack_version);
    put(out, head.number);
    put(out, head.created_us);
    put(out, head.salt);
    out.resize(pack_head_octets - 4);
    put(out, crc32c(out));
    return out;
}

std::optional<PackHead> decode_pack_head(std::string_view octets)
{
    if (octets.size() < pack_head_octets || !octets.starts_with(pack_magic) ||
        number_at<std::uint32_t>(octets, 8) != pack_version ||
        number_at<std::uint32_t>(octets, 60) != crc32c(octets.substr(0, 60)))
        return std::nullopt;
    return PackHead{.number = number_at<std::uint32_t>(octets, 12),
                    .created_us = number_at<std::uint64_t>(octets, 16),
                    .salt = number_at<std::uint32_t>(octets, 24)};
}

std::string encode(const RecordHead& head, std::uint32_t salt)
{
    std::string out(record_magic);
    out += record_version;
    put(out, static_cast<unsigned char>(head.kind));
    put(out, static_cast<std::uint16_t>(head.compressed ? flag_zstd : 0));
    put(out, head.sequence);
    put(out, head.time_us);
    std::string id = head.id;
    id.resize(id_octets, '0');
    out += id;
    put(out, std::uint16_t{0});
    put(out, head.block_octets);
    put(out, head.message_octets);
    put(out, head.stored_octets);
    std::string hash = head.sha256;
    hash.resize(hash_octets);
    out += hash;
    put(out, head.data_crc);
    put(out, std::uint64_t{0}); // dictionary and key
    put(out, crc32c(out, salt));
    return out;
}

std::optional<RecordHead> decode_record_head(std::string_view octets, std::uint32_t salt)
{
    if (octets.size() < record_head_octets || !octets.starts_with(record_magic) || octets[4] != record_version ||
        number_at<std::uint32_t>(octets, 116) != crc32c(octets.substr(0, 116), salt))
        return std::nullopt;
    const auto kind = static_cast<unsigned char>(octets[5]);
    RecordHead head{.kind = static_cast<Kind>(kind),
                    .compressed = (number_at<std::uint16_t>(octets, 6) & flag_zstd) != 0,
                    .sequence = number_at<std::uint64_t>(octets, 8),
                    .time_us = number_at<std::uint64_t>(octets, 16),
                    .id = std::string(octets.substr(24, id_octets)),
                    .block_octets = number_at<std::uint32_t>(octets, 52),
                    .message_octets = number_at<std::uint64_t>(octets, 56),
                    .stored_octets = number_at<std::uint64_t>(octets, 64),
                    .sha256 = std::string(octets.substr(72, hash_octets)),
                    .data_crc = number_at<std::uint32_t>(octets, 104)};
    if ((kind != 1 && kind != 2) || head.block_octets > max_block_octets || head.message_octets > max_message_octets ||
        head.stored_octets > head.message_octets || number_at<std::uint64_t>(octets, 108) != 0)
        return std::nullopt;
    return head;
}

std::string make_record(std::uint64_t sequence, std::uint64_t time_us, const std::string& id, std::string_view block,
                        std::string_view message, std::uint32_t salt)
{
    const std::string smaller = compressed(message);
    const std::string_view stored = smaller.empty() ? message : std::string_view(smaller);
    const RecordHead head{.compressed = !smaller.empty(),
                          .sequence = sequence,
                          .time_us = time_us,
                          .id = id,
                          .block_octets = static_cast<std::uint32_t>(block.size()),
                          .message_octets = message.size(),
                          .stored_octets = stored.size(),
                          .sha256 = sha256(message),
                          .data_crc = crc32c(stored, crc32c(block, salt))};
    std::string out = encode(head, salt);
    out.reserve(static_cast<std::size_t>(head.total_octets()));
    out.append(block).append(stored);
    out.resize(static_cast<std::size_t>(head.total_octets()));
    return out;
}

std::string make_seal(std::uint64_t sequence, std::uint64_t time_us, const std::string& sha256, std::uint32_t salt)
{
    return encode(RecordHead{.kind = Kind::seal,
                             .sequence = sequence,
                             .time_us = time_us,
                             .sha256 = sha256,
                             .data_crc = crc32c({}, salt)},
                  salt);
}

Result<Content> open_record(const RecordHead& head, std::string_view data, std::uint32_t salt)
{
    const std::size_t length = head.block_octets + static_cast<std::size_t>(head.stored_octets);
    if (data.size() < length)
        return fail(Status::data, "message " + head.id + " is cut short");
    data = data.substr(0, length);
    if (crc32c(data, salt) != head.data_crc)
        return fail(Status::data, "message " + head.id + " does not fit its CRC");
    Content out{.block = std::string(data.substr(0, head.block_octets)), .message = {}};
    const auto stored = data.substr(head.block_octets);
    if (head.compressed) {
        // the frame's own word on its size is checked before anything is allocated for it
        if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != head.message_octets)
            return fail(Status::data, "message " + head.id + " is not compressed as its head says");
        out.message.resize(static_cast<std::size_t>(head.message_octets));
        const std::size_t n = ZSTD_decompress(out.message.data(), out.message.size(), stored.data(), stored.size());
        if (ZSTD_isError(n) != 0 || n != out.message.size())
            return fail(Status::data, "message " + head.id + " cannot be decompressed");
    } else {
        out.message = stored;
    }
    if (sha256(out.message) != head.sha256)
        return fail(Status::data, "message " + head.id + " does not fit its SHA-256");
    return out;
}

} // namespace mgw::archive
