#include "tools/mgw-queue/run.hpp"

#include "lib/core/text.hpp"
#include "lib/queue/schedule.hpp"

#include <fmt/core.h>
#include <iostream>

namespace mgw::queue_tool
{

namespace
{

std::string age_text(std::uint64_t us)
{
    const auto seconds = us / 1'000'000;
    if (seconds < 60)
        return fmt::format("{}s", seconds);
    if (seconds < 3600)
        return fmt::format("{}m", seconds / 60);
    if (seconds < 86400)
        return fmt::format("{}h", seconds / 3600);
    return fmt::format("{}d", seconds / 86400);
}

Record record_of(const queue::Entry& entry, std::uint64_t now)
{
    Record record;
    std::vector<std::string> to;
    std::vector<std::string> last;
    for (const auto& pending : entry.recipients) {
        to.push_back(pending.path);
        last.push_back(pending.last);
    }
    record.text("id", queue::id_text(entry.id)).text("mgw_id", entry.mgw_id);
    record.text("state", queue::state_name(entry.state(now)))
        .text("arrived", rfc3339(queue::from_microseconds(entry.arrived_us())));
    record.text("next", entry.next_us > now ? rfc3339(queue::from_microseconds(entry.next_us)) : "");
    record.number("size", static_cast<std::int64_t>(entry.octets))
        .text("from", entry.sender)
        .list("to", to)
        .list("last", last);
    record.text("reason", entry.reason);
    return record;
}

bool shown(const queue::Entry& entry, const Options& o, std::uint64_t now, std::uint64_t older_us)
{
    if (!o.state.empty() && queue::state_name(entry.state(now)) != o.state)
        return false;
    if (!o.sender.empty() && ifind(entry.sender, o.sender) == std::string_view::npos)
        return false;
    if (entry.arrived_us() + older_us > now)
        return false;
    if (o.recipient.empty())
        return true;
    for (const auto& pending : entry.recipients)
        if (ifind(pending.path, o.recipient) != std::string_view::npos)
            return true;
    return false;
}

} // namespace

Result<Status> list(cli::Tool& tool, const Options& options, queue::Spool& spool)
{
    const auto now = queue::microseconds(tool.clock().now());
    std::uint64_t older_us = 0;
    if (!options.older.empty()) {
        const auto older = parse_duration(options.older);
        if (!older)
            return std::unexpected(older.error());
        older_us = static_cast<std::uint64_t>(older->count()) * 1'000'000;
    }
    if (older_us > now)
        older_us = now;
    std::size_t count = 0;
    std::uint64_t octets = 0;
    for (const auto& [id, entry] : spool.entries()) {
        if (!shown(entry, options, now, older_us))
            continue;
        ++count;
        octets += entry.octets;
        if (tool.common().json) {
            std::cout << record_of(entry, now).json() << '\n';
            continue;
        }
        const auto arrived = std::min(entry.arrived_us(), now);
        std::cout << fmt::format("{} {:<11} {:>4} {:>9} {} <{}>\n", queue::id_text(id),
                                 queue::state_name(entry.state(now)), age_text(now - arrived), entry.octets,
                                 entry.mgw_id, printable(entry.sender));
        for (const auto& pending : entry.recipients)
            std::cout << fmt::format("    <{}>{}{}\n", printable(pending.path), pending.last.empty() ? "" : "  ",
                                     pending.last);
        if (!entry.reason.empty())
            std::cout << "    (" << entry.reason << ")\n";
    }
    if (!tool.common().json)
        std::cout << fmt::format("{} message{}, {} octets\n", count, count == 1 ? "" : "s", octets);
    return Status::ok;
}

Result<Status> show(cli::Tool& tool, const Options& options, queue::Spool& spool)
{
    const auto now = queue::microseconds(tool.clock().now());
    auto entries = chosen(options, spool);
    if (!entries)
        return pass(entries);
    for (const auto* entry : *entries) {
        if (tool.common().json) {
            std::cout << record_of(*entry, now).json() << '\n';
            continue;
        }
        auto stored = spool.read(*entry);
        if (!stored)
            return pass(stored);
        std::cout << fmt::format("Id: {}\nState: {}\nArrived: {}\nSize: {}\n", queue::id_text(entry->id),
                                 queue::state_name(entry->state(now)),
                                 rfc3339(queue::from_microseconds(entry->arrived_us())), entry->octets);
        if (entry->next_us > now)
            std::cout << "Next-Attempt: " << rfc3339(queue::from_microseconds(entry->next_us)) << '\n';
        if (!entry->reason.empty())
            std::cout << "Reason: " << printable(entry->reason) << '\n';
        for (const auto& pending : entry->recipients)
            std::cout << fmt::format("Waiting: {} <{}> attempts={} {}\n", pending.number, printable(pending.path),
                                     pending.attempts, pending.last);
        for (const auto& line : stored->block.raw_lines())
            std::cout << printable(line, 4096) << '\n';
        std::cout << '\n';
    }
    return Status::ok;
}

Result<Status> cat(const Options& options, queue::Spool& spool)
{
    auto entries = chosen(options, spool);
    if (!entries)
        return pass(entries);
    for (const auto* entry : *entries) {
        auto stored = spool.read(*entry);
        if (!stored)
            return pass(stored);
        std::cout << stored->message;
    }
    return Status::ok;
}

Result<Status> check(cli::Tool& tool, const std::string& spool)
{
    auto segments = queue::check_spool(spool);
    if (!segments)
        return pass(segments);
    std::size_t records = 0;
    std::size_t wrong = 0;
    for (const auto& segment : *segments) {
        records += segment.records;
        if (!segment.error.empty()) {
            ++wrong;
            std::cout << segment.name << ": " << segment.error << '\n';
        }
        for (const auto& damage : segment.damages) {
            wrong += damage.torn ? 0 : 1;
            std::cout << fmt::format(
                "{}: {} octets at offset {}: {}{}\n", segment.name, damage.octets, damage.offset, damage.what,
                damage.torn ? " (a write that a crash cut short; nobody was told that it is kept)" : "");
        }
        tool.explain(fmt::format("{}: {} records", segment.name, segment.records));
    }
    std::cout << fmt::format("{} segment{}, {} record{}, {} damage{}\n", segments->size(),
                             segments->size() == 1 ? "" : "s", records, records == 1 ? "" : "s", wrong,
                             wrong == 1 ? "" : "s");
    return wrong == 0 ? Status::ok : Status::data;
}

} // namespace mgw::queue_tool
