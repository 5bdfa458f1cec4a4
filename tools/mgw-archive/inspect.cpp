#include "tools/mgw-archive/run.hpp"

#include "lib/archive/index.hpp"
#include "lib/archive/pack.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/core.h>
#include <iostream>

namespace mgw::archive_tool
{

namespace
{

/// 2026-11-24, 2026-11-24T05:47:35Z (UTC), or 5d, 4h, 5m, 90s before now. Microseconds since 1970.
Result<std::uint64_t> parse_time(const std::string& text, Time now)
{
    const auto wrong = [&] {
        return fail(Status::usage, "no time: " + printable(text, 40),
                    "write 2026-11-24, 2026-11-24T05:47:35Z, or 5d, 4h, 5m, 90s");
    };
    if (const auto number = text.size() > 1 ? parse_number(text.substr(0, text.size() - 1)) : std::nullopt) {
        static constexpr std::string_view units = "smhd";
        static constexpr std::uint64_t seconds[] = {1, 60, 3600, 86400};
        const auto unit = units.find(text.back());
        if (unit == std::string_view::npos || *number > 1'000'000'000)
            return wrong();
        const auto us = archive::microseconds(now);
        return us - std::min(us, *number * seconds[unit] * 1'000'000);
    }
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), "%Y-%m-%d", &parts);
    if (end != nullptr && *end == 'T')
        end = ::strptime(end, "T%H:%M:%S", &parts);
    if (end == nullptr || (*end != '\0' && std::string_view(end) != "Z"))
        return wrong();
    const auto seconds = ::timegm(&parts);
    return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1'000'000;
}

Record record_of(const archive::Entry& entry)
{
    Record record;
    record.text("id", entry.id).text("mgw_id", entry.mgw_id);
    record.text("archived", rfc3339(archive::from_microseconds(entry.time_us)));
    record.number("size", static_cast<std::int64_t>(entry.octets)).text("from", entry.sender);
    std::vector<std::string> to;
    for (auto piece : split(entry.recipients, ','))
        if (!trim(piece).empty())
            to.emplace_back(trim(piece));
    record.list("to", to).text("header_from", entry.header_from).text("header_to", trim(entry.header_to));
    record.text("subject", entry.subject).text("message_id", entry.message_id);
    record.text("pack", entry.pack).number("offset", static_cast<std::int64_t>(entry.offset));
    return record;
}

} // namespace

Result<Status> get(cli::Tool& tool, const Options& options, const std::string& archive)
{
    auto index = archive::Index::open(archive);
    if (!index)
        return pass(index);
    for (const auto& id : options.ids) {
        std::vector<archive::Entry> found;
        if (auto selected = index->select({.id = id}, [&](const archive::Entry& entry) { found.push_back(entry); });
            !selected)
            return pass(selected);
        if (found.empty())
            return fail(Status::data, "no message " + printable(id, 100) + " in the archive",
                        "mgw-archive list shows what there is");
        if (found.size() > 1)
            return fail(Status::data, printable(id, 100) + " names " + std::to_string(found.size()) + " messages",
                        "mgw-archive list --id=ID shows their archive ids");
        auto pack = archive::Pack::open(archive + "/" + found[0].pack);
        if (!pack)
            return pass(pack);
        const auto head = pack->head_at(found[0].offset);
        if (!head)
            return std::unexpected(head.error());
        const auto content = pack->read(*head, found[0].offset);
        if (!content)
            return std::unexpected(content.error());
        if (tool.common().json) {
            std::vector<std::string> lines;
            for (const auto line : split(content->block, '\n'))
                if (!line.empty())
                    lines.emplace_back(line);
            std::cout << record_of(found[0]).text("sha256", hex(head->sha256)).list("envelope", lines).json() << '\n';
        } else {
            std::cout << (options.show_envelope ? content->block : content->message);
        }
    }
    return Status::ok;
}

Result<Status> list(cli::Tool& tool, const Options& options, const std::string& archive)
{
    archive::Query query{.from = options.from, .to = options.to, .subject = options.subject, .id = options.id};
    for (const auto& [text, into] :
         {std::pair{&options.since, &query.since_us}, std::pair{&options.until, &query.until_us}}) {
        if (text->empty())
            continue;
        const auto time = parse_time(*text, tool.clock().now());
        if (!time)
            return std::unexpected(time.error());
        *into = *time;
    }
    auto index = archive::Index::open(archive);
    if (!index)
        return pass(index);
    std::size_t count = 0;
    std::uint64_t octets = 0;
    auto selected = index->select(query, [&](const archive::Entry& entry) {
        ++count;
        octets += entry.octets;
        if (tool.common().json)
            std::cout << record_of(entry).json() << '\n';
        else
            std::cout << fmt::format("{} {} {:>9} <{}> -> {}\n    {}\n", entry.id,
                                     rfc3339(archive::from_microseconds(entry.time_us)).substr(0, 19), entry.octets,
                                     printable(entry.sender), printable(entry.recipients),
                                     printable(entry.subject, 200));
    });
    if (!selected)
        return pass(selected);
    if (!tool.common().json)
        std::cout << fmt::format("{} message{}, {} octets\n", count, count == 1 ? "" : "s", octets);
    return Status::ok;
}

} // namespace mgw::archive_tool
