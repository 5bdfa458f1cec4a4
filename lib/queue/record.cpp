#include "lib/queue/record.hpp"

#include "lib/core/binary.hpp"
#include "lib/core/hash.hpp"

#include <array>
#include <charconv>

namespace mgw::queue
{

namespace
{

constexpr std::string_view segment_magic = "MGWSEG1\n";
constexpr std::uint32_t segment_version = 1;
constexpr char record_version = 1;
constexpr unsigned flag_more = 1;
constexpr unsigned flag_first = 2;

} // namespace

std::string id_text(Id id)
{
    std::string out(16, '0');
    for (std::size_t i = 16; i-- > 0; id >>= 4)
        out[i] = "0123456789abcdef"[id & 15U];
    return out;
}

std::optional<Id> parse_id(std::string_view text)
{
    Id id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
    if (text.size() != 16 || error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return id;
}

std::uint64_t microseconds(Time time)
{
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    return us > 0 ? static_cast<std::uint64_t>(us) : 0;
}

Time from_microseconds(std::uint64_t us)
{
    return Time{std::chrono::duration_cast<Time::duration>(std::chrono::microseconds(us))};
}

std::string_view type_name(Type type)
{
    static constexpr std::array<std::string_view, 8> names{"?",       "MSG",  "TRY",     "DONE",
                                                           "BOUNCED", "HOLD", "RELEASE", "DROP"};
    const auto n = static_cast<std::size_t>(type);
    return n < names.size() ? names[n] : names[0];
}

std::string encode(const SegmentHead& head)
{
    std::string out(segment_magic);
    put(out, segment_version);
    put(out, head.lane);
    put(out, head.sequence);
    put(out, head.created_us);
    put(out, head.floor);
    put(out, head.salt);
    out.resize(segment_head_octets - 4);
    put(out, crc32c(out));
    return out;
}

std::optional<SegmentHead> decode_segment_head(std::string_view octets)
{
    if (octets.size() < segment_head_octets || !octets.starts_with(segment_magic) ||
        number_at<std::uint32_t>(octets, 8) != segment_version ||
        number_at<std::uint32_t>(octets, 60) != crc32c(octets.substr(0, 60)))
        return std::nullopt;
    return SegmentHead{.lane = number_at<std::uint32_t>(octets, 12),
                       .sequence = number_at<std::uint64_t>(octets, 16),
                       .created_us = number_at<std::uint64_t>(octets, 24),
                       .floor = number_at<Id>(octets, 32),
                       .salt = number_at<std::uint32_t>(octets, 40)};
}

std::string encode(const RecordHead& head, std::string_view header, std::uint32_t salt)
{
    std::string out(record_magic);
    out += record_version;
    put(out, static_cast<unsigned char>(head.type));
    put(out, static_cast<std::uint16_t>((head.more ? flag_more : 0) | (head.first ? flag_first : 0)));
    put(out, head.id);
    put(out, head.time_us);
    put(out, head.durable);
    put(out, head.body_octets);
    put(out, head.header_octets);
    put(out, crc32c(header, crc32c(out, salt)));
    return out;
}

std::string encode_tail(const RecordHead& head, std::string_view body, std::uint32_t salt)
{
    std::string out;
    put(out, body_crc(body, salt));
    out += record_end_mark;
    out.resize(head.total_octets() - record_head_octets - head.header_octets - head.body_octets);
    return out;
}

std::optional<RecordHead> decode_record_head(std::string_view octets)
{
    if (octets.size() < record_head_octets || !octets.starts_with(record_magic) || octets[4] != record_version)
        return std::nullopt;
    const auto type = static_cast<unsigned char>(octets[5]);
    const auto flags = number_at<std::uint16_t>(octets, 6);
    RecordHead head{.type = static_cast<Type>(type),
                    .first = (flags & flag_first) != 0,
                    .more = (flags & flag_more) != 0,
                    .id = number_at<Id>(octets, 8),
                    .time_us = number_at<std::uint64_t>(octets, 16),
                    .durable = number_at<std::uint64_t>(octets, 24),
                    .body_octets = number_at<std::uint64_t>(octets, 32),
                    .header_octets = number_at<std::uint32_t>(octets, 40)};
    if (type < static_cast<unsigned char>(Type::message) || type > static_cast<unsigned char>(Type::drop) ||
        head.header_octets > max_record_header || head.body_octets > max_record_body)
        return std::nullopt;
    return head;
}

bool head_is_whole(std::string_view octets, std::string_view header, std::uint32_t salt)
{
    return octets.size() >= record_head_octets &&
           number_at<std::uint32_t>(octets, 44) == crc32c(header, crc32c(octets.substr(0, 44), salt));
}

std::uint32_t body_crc(std::string_view octets, std::uint32_t before)
{
    return crc32c(octets, before);
}

bool tail_fits(std::string_view tail, std::uint32_t crc)
{
    return tail.size() >= record_tail_octets && number_at<std::uint32_t>(tail, 0) == crc &&
           tail.substr(4, record_end_mark.size()) == record_end_mark;
}

} // namespace mgw::queue
