#include "lib/queue/scan.hpp"

#include <algorithm>
#include <optional>

namespace mgw::queue
{

namespace
{

constexpr std::size_t piece_octets = 256U << 10;
constexpr std::size_t sector_octets = 512;

/// One pass over a segment. Gaps are found first; what they mean (damage or a torn end) is known only when the largest
/// `durable` is.
class Scan {
public:
    Scan(Source& source, const SegmentHead& segment, const ScanOptions& options)
        : source_(source), salt_(segment.salt), options_(options),
          end_(options.limit > 0 ? std::min(options.limit, source.size()) : source.size()),
          // Heads that lie about a long body could make every search step read the rest of the segment.
          budget_(4 * source.size() + (1U << 20))
    {}

    Scanned run()
    {
        collect();
        durable_ = options_.limit > 0 ? end_ : durable_;
        check_bodies();
        keep_whole_groups();
        classify();
        return std::move(out_);
    }

private:
    struct Gap {
        std::uint64_t begin;
        std::uint64_t end;
        std::string what;
        std::uint64_t tail = 0; ///< where its head says that CRC and end mark are; 0 if the head is not whole
    };

    void collect()
    {
        std::uint64_t offset = options_.from;
        while (offset < end_) {
            if (auto found = record_at(offset)) {
                durable_ = std::max(durable_, found->head.durable);
                offset = found->end();
                records_.push_back(std::move(*found));
                continue;
            }
            const auto next = next_record(offset);
            if (!next) {
                end_gap(offset);
                break;
            }
            gaps_.push_back({offset, *next, "no record begins here"});
            offset = *next;
        }
        after_ = offset;
    }

    /// The record at `offset`, its head and header checked.
    std::optional<Found> record_at(std::uint64_t offset)
    {
        auto octets = source_.read(offset, record_head_octets);
        if (!octets || octets->size() < record_head_octets)
            return std::nullopt;
        const auto head = decode_record_head(*octets);
        if (!head || head->total_octets() > end_ - offset)
            return std::nullopt;
        octets = source_.read(offset, record_head_octets + head->header_octets);
        if (!octets || octets->size() != record_head_octets + head->header_octets)
            return std::nullopt;
        spend(octets->size());
        const auto header = octets->substr(record_head_octets);
        if (!head_is_whole(octets->substr(0, record_head_octets), header, salt_))
            return std::nullopt;
        return Found{*head, offset, std::string(header)};
    }

    void spend(std::uint64_t octets) { budget_ -= std::min(budget_, octets); }

    /// The next record after something that is none.
    std::optional<std::uint64_t> next_record(std::uint64_t bad)
    {
        std::uint64_t at = bad + 8;
        while (at < end_ && budget_ > 0) {
            // An aligned start keeps a piece of the search inside the hole's last block.
            at = std::max(at, source_.next_data(at) / 8 * 8);
            auto piece = source_.read(at, piece_octets);
            if (!piece || piece->size() < record_head_octets)
                return std::nullopt;
            spend(piece->size());
            std::vector<std::uint64_t> candidates; // record_at() moves the window that `piece` looks into
            for (auto p = piece->find(record_magic); p != std::string_view::npos; p = piece->find(record_magic, p + 1))
                if ((at + p) % 8 == 0)
                    candidates.push_back(at + p);
            const std::size_t step = piece->size() - record_head_octets + 8;
            for (const auto candidate : candidates)
                if (const auto found = budget_ > 0 ? record_at(candidate) : std::nullopt;
                    found && body_is_whole(*found))
                    return candidate;
            at += step / 8 * 8;
        }
        return std::nullopt;
    }

    bool body_is_whole(const Found& found)
    {
        std::uint32_t crc = body_crc({}, salt_);
        std::uint64_t at = found.body_offset();
        const std::uint64_t body_end = at + found.head.body_octets;
        spend(found.head.body_octets);
        while (at < body_end) {
            auto piece =
                source_.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(piece_octets, body_end - at)));
            if (!piece || piece->empty())
                return false;
            crc = body_crc(*piece, crc);
            at += piece->size();
        }
        auto tail = source_.read(body_end, static_cast<std::size_t>(found.end() - body_end));
        return tail && tail_fits(*tail, crc) &&
               tail->find_first_not_of('\0', record_tail_octets) == std::string_view::npos;
    }

    /// After the last record: zeros to the end, or what is left of a write.
    void end_gap(std::uint64_t offset)
    {
        std::uint64_t last = offset; // past the last octet that is not zero
        for (std::uint64_t at = source_.next_data(offset); at < end_; at = source_.next_data(at)) {
            auto piece = source_.read(at, static_cast<std::size_t>(std::min<std::uint64_t>(piece_octets, end_ - at)));
            if (!piece || piece->empty()) {
                last = end_;
                break;
            }
            if (const auto p = piece->find_last_not_of('\0'); p != std::string_view::npos)
                last = at + p + 1;
            at += piece->size();
        }
        if (last > offset)
            gaps_.push_back({offset, (last + 7) / 8 * 8, "no whole record follows"});
        out_.clean_end = last == offset;
    }

    void check_bodies()
    {
        std::erase_if(records_, [&](const Found& found) {
            const bool flushed = found.end() <= durable_;
            if ((flushed && !options_.every_body) || body_is_whole(found))
                return false;
            if (flushed) // it stays in the queue: whoever reads it for delivery finds out and holds it
                out_.damages.push_back({found.offset, found.head.total_octets(), false,
                                        "the body of " + id_text(found.head.id) + " does not fit its CRC"});
            else
                gaps_.push_back({found.offset, found.end(), "the body of " + id_text(found.head.id) + " is not whole",
                                 found.body_offset() + found.head.body_octets});
            return !flushed;
        });
        std::ranges::sort(gaps_, {}, &Gap::begin);
    }

    void keep_whole_groups()
    {
        std::vector<Found> group;
        auto gap = gaps_.begin();
        bool skipping = false;
        out_.next = options_.from;
        for (auto& found : records_) {
            for (; gap != gaps_.end() && gap->begin < found.offset; ++gap) {
                if (gap->begin < durable_) {
                    std::ranges::move(group, std::back_inserter(out_.records));
                    skipping = false;
                } else {
                    skipping = true;
                }
                group.clear();
            }
            if (found.head.first) {
                group.clear();
                skipping = false;
            }
            if (skipping)
                continue;
            const bool complete = !found.head.more;
            const auto end = found.end();
            group.push_back(std::move(found));
            if (complete) {
                std::ranges::move(group, std::back_inserter(out_.records));
                group.clear();
                out_.next = end;
            }
        }
        if (gap != gaps_.end() && gap->begin < durable_)
            std::ranges::move(group, std::back_inserter(out_.records));
        else if (!group.empty())
            gaps_.push_back({group.front().offset, after_ - group.front().offset, "a group without its end"});
    }

    void classify()
    {
        for (const auto& gap : gaps_) {
            const bool flushed = gap.begin < durable_;
            out_.damages.push_back({gap.begin, gap.end - gap.begin, !flushed && looks_torn(gap), gap.what});
            out_.clean_end = false;
            if (flushed)
                out_.next = std::max(out_.next, gap.end);
        }
        std::ranges::sort(out_.damages, {}, &Damage::offset);
    }

    /// A write that was cut short has no end, or a sector of it never reached the disk. Octets that are there but wrong
    /// are a damage.
    bool looks_torn(const Gap& gap)
    {
        if (gap.what.starts_with("a group"))
            return true;
        std::uint64_t at = (gap.begin + sector_octets - 1) / sector_octets * sector_octets;
        for (; at + sector_octets <= gap.end; at += sector_octets) {
            auto sector = source_.read(at, sector_octets);
            if (!sector)
                return false;
            if (sector->find_first_not_of('\0') == std::string_view::npos)
                return true;
        }
        if (gap.tail > 0) {
            auto tail = source_.read(gap.tail, record_tail_octets);
            return tail && tail->find_first_not_of('\0') == std::string_view::npos;
        }
        if (gap.end < after_)
            return false; // a record follows it
        const std::uint64_t look = std::min<std::uint64_t>(gap.end - gap.begin, 16);
        auto end = source_.read(gap.end - look, static_cast<std::size_t>(look));
        return end && !end->contains(record_end_mark);
    }

    Source& source_;
    std::uint32_t salt_;
    ScanOptions options_;
    std::uint64_t end_;
    std::uint64_t budget_;
    std::uint64_t durable_ = 0;
    std::uint64_t after_ = 0;
    std::vector<Found> records_;
    std::vector<Gap> gaps_;
    Scanned out_;
};

} // namespace

Scanned scan(Source& source, const SegmentHead& segment, const ScanOptions& options)
{
    return Scan(source, segment, options).run();
}

Result<std::string> read_body(Source& source, const SegmentHead& segment, const RecordHead& head, std::uint64_t offset)
{
    const std::uint64_t begin = offset + record_head_octets + head.header_octets;
    if (head.body_octets > max_record_body || begin > source.size() ||
        head.body_octets + record_tail_octets > source.size() - begin)
        return fail(Status::data, "message " + id_text(head.id) + " is cut short in the spool");
    auto octets = source.read(begin, static_cast<std::size_t>(head.body_octets + record_tail_octets));
    if (!octets)
        return pass(octets);
    const auto body = octets->substr(0, static_cast<std::size_t>(head.body_octets));
    if (octets->size() != head.body_octets + record_tail_octets ||
        !tail_fits(octets->substr(body.size()), body_crc(body, segment.salt)))
        return fail(Status::data, "message " + id_text(head.id) + " is damaged in the spool: it does not fit its CRC",
                    "mgw-queue check names every damage");
    return std::string(body);
}

bool is_blank(Source& source)
{
    for (std::uint64_t at = source.next_data(0); at < source.size(); at = source.next_data(at)) {
        auto piece = source.read(at, piece_octets);
        if (!piece || piece->find_first_not_of('\0') != std::string_view::npos)
            return false;
        at += piece->size();
    }
    return true;
}

Result<SegmentHead> read_segment_head(Source& source)
{
    auto octets = source.read(0, segment_head_octets);
    if (!octets)
        return pass(octets);
    auto head = decode_segment_head(*octets);
    if (!head)
        return fail(Status::data, "this is no segment of a spool");
    return *head;
}

} // namespace mgw::queue
