#include "lib/content/zip.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

#include <algorithm>
#include <unordered_map>

namespace mgw::content
{

using namespace std::string_view_literals;

namespace
{

constexpr auto local_sign = "PK\x03\x04"sv;
constexpr auto central_sign = "PK\x01\x02"sv;
constexpr auto end_sign = "PK\x05\x06"sv;
constexpr auto end64_locator_sign = "PK\x06\x07"sv;
constexpr auto end64_sign = "PK\x06\x06"sv;
constexpr std::size_t local_octets = 30, central_octets = 46, end_octets = 22;
constexpr std::uint32_t in_zip64 = 0xffffffff;

/// Little-endian numbers of a header, with bounds.
class Reader {
public:
    Reader(std::string_view octets, std::size_t at) : octets_(octets), at_(at) {}
    std::uint64_t number(std::size_t offset, std::size_t count) const
    {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < count; ++i)
            if (at_ + offset + i < octets_.size())
                value |= static_cast<std::uint64_t>(static_cast<unsigned char>(octets_[at_ + offset + i])) << (8 * i);
        return value;
    }
    std::uint16_t u16(std::size_t offset) const { return static_cast<std::uint16_t>(number(offset, 2)); }
    std::uint32_t u32(std::size_t offset) const { return static_cast<std::uint32_t>(number(offset, 4)); }
    std::uint64_t u64(std::size_t offset) const { return number(offset, 8); }

private:
    std::string_view octets_;
    std::size_t at_;
};

std::string entry_name(std::string_view raw, bool utf8, std::size_t limit)
{
    raw = raw.substr(0, limit);
    if (utf8 || is_valid_utf8(raw))
        return std::string(raw);
    return mail::to_utf8(raw, "CP437");
}

/// Replaces sizes and offset that stand in the zip64 extra field (section 4.5.3).
void apply_zip64(std::string_view extra, ZipEntry& entry, std::uint64_t* offset)
{
    for (std::size_t at = 0; at + 4 <= extra.size();) {
        const Reader field(extra, at);
        const std::size_t size = field.u16(2);
        if (field.u16(0) == 1) {
            std::size_t next = 4;
            for (auto* value : {&entry.octets, &entry.packed_octets, offset}) {
                if (value == nullptr || *value != in_zip64 || next + 8 > 4 + size)
                    continue;
                *value = field.u64(next);
                next += 8;
            }
            return;
        }
        at += 4 + size;
    }
}

struct Directory {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t shift = 0; ///< octets before the archive (a self-extracting program): added to every offset
};

std::optional<Directory> find_directory(std::string_view octets)
{
    const auto end = find_zip_end(octets);
    if (!end)
        return std::nullopt;
    const Reader record(octets, *end);
    std::uint64_t size = record.u32(12), offset = record.u32(16);
    std::size_t directory_end = *end;
    if ((size == in_zip64 || offset == in_zip64) && *end >= 20 && octets.substr(*end - 20, 4) == end64_locator_sign) {
        const auto at = Reader(octets, *end - 20).u64(8);
        if (at < octets.size() && octets.substr(at, 4) == end64_sign) {
            size = Reader(octets, at).u64(40);
            offset = Reader(octets, at).u64(48);
            directory_end = at;
        }
    }
    if (size > directory_end)
        return std::nullopt;
    const std::size_t begin = directory_end - size;
    if (octets.substr(begin, 4) == central_sign || size == 0)
        return Directory{begin, directory_end, offset <= begin ? begin - offset : 0};
    if (offset < octets.size() && octets.substr(offset, 4) == central_sign)
        return Directory{offset, directory_end, 0};
    return std::nullopt;
}

/// What the lists of both kinds share: names seen, limits.
struct Collector {
    std::string_view octets;
    const ZipLimits& limits;
    ZipListing& listing;
    std::unordered_map<std::size_t, std::size_t> by_offset; ///< of the local header -> index of its entry

    bool full()
    {
        if (listing.entries.size() < limits.entries)
            return false;
        listing.cut = true;
        return true;
    }
};

void read_directory(Collector& into, const Directory& directory)
{
    std::size_t at = directory.begin;
    while (at + central_octets <= directory.end && into.octets.substr(at, 4) == central_sign) {
        if (into.full())
            return;
        const Reader header(into.octets, at);
        const std::size_t name = header.u16(28), extra = header.u16(30), comment = header.u16(32);
        if (at + central_octets + name + extra > into.octets.size())
            break;
        const auto flags = header.u16(8);
        ZipEntry entry;
        entry.method = header.u16(10);
        entry.encrypted = (flags & 1U) != 0;
        entry.packed_octets = header.u32(20);
        entry.octets = header.u32(24);
        entry.in_directory = true;
        std::uint64_t offset = header.u32(42);
        entry.name =
            entry_name(into.octets.substr(at + central_octets, name), (flags & 0x800U) != 0, into.limits.name_octets);
        apply_zip64(into.octets.substr(at + central_octets + name, extra), entry, &offset);
        into.by_offset.emplace(offset + directory.shift, into.listing.entries.size());
        into.listing.entries.push_back(std::move(entry));
        at += central_octets + name + extra + comment;
    }
    into.listing.damaged = into.listing.damaged || at != directory.end;
}

struct Local {
    ZipEntry entry;
    std::size_t end = 0; ///< where to look for the next one
};

std::optional<Local> read_local(std::string_view octets, std::size_t at, const ZipLimits& limits)
{
    if (at + local_octets > octets.size())
        return std::nullopt;
    const Reader header(octets, at);
    const std::size_t name = header.u16(26), extra = header.u16(28);
    const auto flags = header.u16(6);
    // a random "PK\3\4" inside packed data is no header: no version beyond 6.3 and no method beyond 99 exists
    if ((header.u16(4) & 0xffU) > 63 || header.u16(8) > 99 || at + local_octets + name + extra > octets.size())
        return std::nullopt;
    Local local;
    local.entry.method = header.u16(8);
    local.entry.encrypted = (flags & 1U) != 0;
    local.entry.packed_octets = header.u32(18);
    local.entry.octets = header.u32(22);
    local.entry.in_local = true;
    local.entry.data = at + local_octets + name + extra;
    local.entry.name = entry_name(octets.substr(at + local_octets, name), (flags & 0x800U) != 0, limits.name_octets);
    apply_zip64(octets.substr(at + local_octets + name, extra), local.entry, nullptr);
    local.end = local.entry.data;
    if (local.entry.packed_octets <= octets.size() - local.entry.data)
        local.end += local.entry.packed_octets;
    return local;
}

void read_locals(Collector& into)
{
    for (auto at = into.octets.find(local_sign); at != std::string_view::npos; at = into.octets.find(local_sign, at)) {
        auto local = read_local(into.octets, at, into.limits);
        if (!local) {
            at += local_sign.size();
            continue;
        }
        const auto known = into.by_offset.find(at);
        if (known == into.by_offset.end()) {
            if (into.full())
                return;
            into.listing.entries.push_back(std::move(local->entry));
            at = local->end;
            continue;
        }
        // copied: the list may grow below
        auto& entry = into.listing.entries[known->second];
        entry.in_local = true;
        entry.data = local->entry.data;
        entry.encrypted = entry.encrypted || local->entry.encrypted;
        const auto packed = std::min<std::uint64_t>(entry.packed_octets, into.octets.size() - entry.data);
        at = std::max(local->end, entry.data + static_cast<std::size_t>(packed));
        if (entry.name != local->entry.name) {
            into.listing.names_differ = true;
            if (into.full())
                return;
            into.listing.entries.push_back(std::move(local->entry));
        }
    }
}

} // namespace

std::optional<std::size_t> find_zip_end(std::string_view octets)
{
    if (octets.size() < end_octets)
        return std::nullopt;
    // the comment behind the record has at most 65,535 octets
    const std::size_t last = octets.size() - end_octets;
    const std::size_t first = last > 65535 ? last - 65535 : 0;
    const auto found = octets.substr(0, last + end_sign.size()).rfind(end_sign);
    if (found == std::string_view::npos || found < first)
        return std::nullopt;
    return found;
}

ZipListing list_zip(std::string_view octets, const ZipLimits& limits)
{
    ZipListing listing;
    Collector collector{octets, limits, listing, {}};
    if (const auto directory = find_directory(octets))
        read_directory(collector, *directory);
    else
        listing.damaged = true;
    if (!listing.cut)
        read_locals(collector);
    const auto one_sided = [](const ZipEntry& e) { return e.in_directory != e.in_local; };
    listing.names_differ = listing.names_differ ||
                           (!listing.cut && std::any_of(listing.entries.begin(), listing.entries.end(), one_sided));
    return listing;
}

} // namespace mgw::content
