#include "lib/lists/cidr.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/lists/map_file.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace mgw::lists
{

namespace
{

constexpr std::size_t largest_file = 256U << 20;
constexpr std::size_t longest_reason = 200;
constexpr std::size_t most_files = 255;
constexpr unsigned v4_offset = 96;

bool is_comment(std::string_view text)
{
    return text.starts_with('#') || text.starts_with(';');
}

/// The text before a comment, which begins at the start of a word.
std::string_view without_comment(std::string_view text)
{
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] == '#' || text[i] == ';') && (i == 0 || is_blank(text[i - 1])))
            return trim(text.substr(0, i));
    return text;
}

struct Network {
    IpAddress address;
    unsigned prefix = 0;
};

/// Reads "ADDRESS[/PREFIX]", the address with or without brackets; what is wrong, if it is not one.
std::expected<Network, std::string> parse_network(std::string_view text)
{
    const auto slash = text.rfind('/');
    std::string_view host = text.substr(0, slash);
    if (host.starts_with('[') && host.ends_with(']') && host.contains(':'))
        host = host.substr(1, host.size() - 2);
    const auto address = parse_ip(host);
    if (!address)
        return std::unexpected("\"" + printable_ascii(text, 60) + "\" is not a network");
    Network out{*address, address->bits()};
    if (slash == std::string_view::npos)
        return out;
    const auto prefix = parse_number(text.substr(slash + 1));
    const bool mapped = address->is_v4 && host.contains(':');
    if (!prefix || *prefix > (mapped ? 128 : address->bits()) || (mapped && *prefix < v4_offset))
        return std::unexpected("\"" + printable_ascii(text, 60) + "\" has no prefix from " +
                               (mapped ? "96 to 128" : "0 to " + std::to_string(address->bits())));
    out.prefix = static_cast<unsigned>(*prefix) - (mapped ? v4_offset : 0);
    if (address->network(out.prefix) != *address)
        return std::unexpected("\"" + printable_ascii(text, 60) + "\" has bits behind its prefix: write " +
                               network_text(*address, out.prefix, out.prefix));
    return out;
}

} // namespace

CidrTable::Bits CidrTable::bits_of(const IpAddress& address)
{
    const auto number = [&](std::size_t from, std::size_t count) {
        std::uint64_t out = 0;
        for (std::size_t i = 0; i < count; ++i)
            out = out << 8 | address.octets[from + i];
        return out;
    };
    if (address.is_v4)
        return {0, 0xffff00000000 | number(0, 4)};
    return {number(0, 8), number(8, 8)};
}

bool CidrTable::has(const Entry& entry, const Bits& address)
{
    const std::uint64_t high = entry.first.high ^ address.high;
    const std::uint64_t low = entry.first.low ^ address.low;
    if (entry.prefix == 0)
        return true;
    if (entry.prefix <= 64)
        return high >> (64 - entry.prefix) == 0;
    return high == 0 && low >> (128 - entry.prefix) == 0;
}

Result<void> CidrTable::add(std::string_view text, std::string_view name, CidrKind kind)
{
    const auto file = static_cast<std::uint8_t>(files_.size());
    files_.push_back({std::string(name), kind});
    hashes_.push_back(hex(sha256(text)));
    std::uint32_t number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = text.find('\n');
        const auto line = trim(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.empty() || is_comment(line))
            continue;
        const auto word = std::min(line.find_first_of(" \t"), line.size());
        const auto network = parse_network(line.substr(0, word));
        if (!network)
            return map_error(name, number, network.error());
        const auto reason = without_comment(trim(line.substr(word)));
        if (reason.size() > longest_reason || printable_ascii(reason) != reason)
            return map_error(name, number, "a reason is at most 200 characters of printable ASCII");
        Entry entry{.first = bits_of(network->address), .line = number, .file = file};
        entry.prefix = static_cast<std::uint8_t>(network->prefix + (network->address.is_v4 ? v4_offset : 0));
        if (!reason.empty()) {
            // lists give few reasons to many networks, mostly one after the other
            if (reasons_.empty() || reasons_.back() != reason)
                reasons_.emplace_back(reason);
            entry.reason = static_cast<std::uint32_t>(reasons_.size());
        }
        entries_.push_back(entry);
    }
    return {};
}

void CidrTable::sort()
{
    const auto order = [&](const Entry& e) {
        return std::tuple(e.first, e.prefix, files_[e.file].kind == CidrKind::deny, e.file, e.line);
    };
    std::ranges::sort(entries_, std::less{}, order);
    const auto same = std::ranges::unique(
        entries_, [](const Entry& a, const Entry& b) { return a.first == b.first && a.prefix == b.prefix; });
    entries_.erase(same.begin(), same.end());
    entries_.shrink_to_fit();
    // networks overlap only where one has the other, so those that have the next one lie on a stack
    std::uint32_t above = 0;
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
        while (above != 0 && !has(entries_[above - 1], entries_[i].first))
            above = entries_[above - 1].above;
        entries_[i].above = above;
        above = i + 1;
    }
}

Result<CidrTable> CidrTable::read(const std::vector<CidrFile>& files)
{
    if (files.size() > most_files)
        return fail(Status::config, "more than 255 files of networks");
    CidrTable table;
    for (const auto& file : files) {
        auto text = read_file(file.path, largest_file);
        if (!text)
            return pass(text);
        if (auto added = table.add(*text, file.path, file.kind); !added)
            return pass(added);
    }
    table.sort();
    return table;
}

Result<CidrTable> CidrTable::parse(std::string_view text, std::string_view name, CidrKind kind)
{
    CidrTable table;
    if (auto added = table.add(text, name, kind); !added)
        return pass(added);
    table.sort();
    return table;
}

std::optional<CidrMatch> CidrTable::find(const IpAddress& address) const
{
    const Bits bits = bits_of(address);
    const auto after = std::ranges::upper_bound(entries_, bits, std::less{}, &Entry::first);
    auto index = static_cast<std::uint32_t>(after - entries_.begin());
    // what begins at or before the address and does not have it lies in networks that may
    while (index != 0 && !has(entries_[index - 1], bits))
        index = entries_[index - 1].above;
    if (index == 0)
        return std::nullopt;
    const Entry& entry = entries_[index - 1];
    if (address.is_v4 && entry.prefix < v4_offset)
        return std::nullopt;
    const CidrFile& file = files_[entry.file];
    const unsigned prefix = entry.prefix - (address.is_v4 ? v4_offset : 0);
    return CidrMatch{.kind = file.kind,
                     .network = network_text(address, prefix, prefix),
                     .at = file.path + ":" + std::to_string(entry.line),
                     .reason = entry.reason == 0 ? "" : reasons_[entry.reason - 1]};
}

std::optional<CidrMatch> CidrTable::find(std::string_view address) const
{
    const auto ip = parse_ip(address);
    return ip ? find(*ip) : std::nullopt;
}

} // namespace mgw::lists
