#include "lib/scan/result.hpp"

#include "lib/core/text.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace mgw::scan
{

std::string_view outcome_name(Outcome outcome)
{
    switch (outcome) {
    case Outcome::clean:
        return "clean";
    case Outcome::infected:
        return "infected";
    case Outcome::unscanned:
        break;
    }
    return "unscanned";
}

namespace
{

/// Names are cut here, types of the sender's invention too: a result line is no place for megabytes.
constexpr std::size_t name_octets = 255;
/// All names of a message together stay below the size of an envelope block, xtext triples them at worst.
constexpr std::size_t all_octets = 200U << 10;

using Values = std::vector<std::pair<std::string, std::string>>;

class Names {
public:
    explicit Names(Values& values) : values_(values) {}
    bool full() const { return octets_ >= all_octets; }
    void add(std::string key, std::string_view value)
    {
        // the end of a long name says what the file is
        value.remove_prefix(value.size() - std::min(value.size(), name_octets));
        octets_ += key.size() + value.size() + 2;
        values_.emplace_back(std::move(key), std::string(value));
    }

private:
    Values& values_;
    std::size_t octets_ = 0;
};

void add_attachment(Names& names, const Attachment& attachment, std::size_t& number)
{
    const std::size_t first = number;
    const std::size_t count = std::max<std::size_t>(1, attachment.names.size());
    for (std::size_t i = 0; i < count; ++i, ++number) {
        const auto n = std::to_string(number);
        if (i < attachment.names.size())
            names.add("file." + n, attachment.names[i]);
        names.add("type." + n, attachment.declared);
        names.add("true." + n, attachment.actual);
        names.add("part." + n, attachment.path);
        if (!attachment.reading.empty())
            names.add("reading." + n, attachment.reading);
    }
    std::size_t member = 1;
    for (const auto& [name, actual] : attachment.members) {
        const auto key = std::to_string(first) + "." + std::to_string(member++);
        if (names.full())
            return;
        names.add("member." + key, name);
        if (!actual.empty())
            names.add("member-true." + key, actual);
    }
}

} // namespace

std::vector<std::pair<std::string, std::string>> result_values(const Report& report, const Database* database)
{
    Values values;
    values.emplace_back("virus", outcome_name(report.outcome));
    if (!report.virus.empty())
        values.emplace_back("virus-name", report.virus);
    if (!report.virus_reading.empty())
        values.emplace_back("virus-reading", report.virus_reading);
    if (!report.why.empty())
        values.emplace_back("why", report.why);
    values.emplace_back("parts", std::to_string(report.parts));
    if (!report.ambiguity.empty())
        values.emplace_back("ambiguity", report.hides_files ? "high" : "low");
    if (report.more_contents > 0)
        values.emplace_back("readings", std::to_string(report.more_contents));
    Values files;
    Names names(files);
    std::size_t number = 1;
    bool cut = false;
    for (const auto& attachment : report.attachments) {
        cut = cut || names.full();
        if (!cut)
            add_attachment(names, attachment, number);
    }
    std::string flags;
    for (const auto& flag : report.flags)
        flags += (flags.empty() ? "" : ",") + flag;
    if (cut || names.full())
        flags += flags.empty() ? "names-cut" : ",names-cut";
    if (!flags.empty())
        values.emplace_back("flags", flags);
    if (database != nullptr)
        values.emplace_back("db", database->version);
    if (database != nullptr && database->built)
        values.emplace_back("db-date", rfc3339(*database->built).substr(0, 10));
    values.insert(values.end(), files.begin(), files.end());
    return values;
}

std::string status_text(const Report& report)
{
    switch (report.outcome) {
    case Outcome::clean:
        return "Clean";
    case Outcome::infected:
        return "Infected (" + printable_ascii(report.virus, 200) + ")";
    case Outcome::unscanned:
        break;
    }
    return "Not scanned (" + printable_ascii(report.why, 200) + ")";
}

std::string ambiguity_text(const Report& report)
{
    if (report.ambiguity.empty())
        return "result=none";
    return "result=ambiguous; flags=" + report.ambiguity + "; readings=" + std::to_string(report.more_contents) +
           "; severity=" + (report.hides_files ? "high" : "low");
}

std::vector<std::string> explain_lines(const Report& report, const Database* database)
{
    std::vector<std::string> lines;
    if (database != nullptr)
        lines.push_back(
            fmt::format("signatures: {} in {}, {}", database->signatures, database->path, database->version));
    else
        lines.push_back("signatures: none");
    for (const auto& scan : report.scans) {
        std::string came(outcome_name(scan.answer.outcome));
        if (!scan.answer.name.empty() || !scan.answer.why.empty())
            came += ": " + scan.answer.name + scan.answer.why;
        if (scan.seen_before)
            came += " (the same octets were scanned inside the message)";
        lines.push_back(fmt::format("{}: {} octets, {:.1f} ms, {}", scan.what, scan.octets,
                                    static_cast<double>(scan.time.count()) / 1000, came));
    }
    for (const auto& attachment : report.attachments) {
        std::string name;
        for (const auto& candidate : attachment.names)
            name += (name.empty() ? "" : ", ") + ("'" + printable(candidate, 255) + "'");
        const auto where = attachment.reading.empty() ? "part " + attachment.path
                                                      : attachment.reading + " reading of " + attachment.path;
        lines.push_back(fmt::format("{}: {}, declared {}, is {}", where, name.empty() ? "no name" : name,
                                    printable(attachment.declared, 100), attachment.actual));
        for (const auto& [member, actual] : attachment.members)
            lines.push_back(
                fmt::format("  inside: '{}', is {}", printable(member, 255), actual.empty() ? "unknown" : actual));
    }
    for (const auto& flag : report.flags)
        lines.push_back("flag: " + flag);
    lines.push_back("result: " + status_text(report));
    return lines;
}

} // namespace mgw::scan
