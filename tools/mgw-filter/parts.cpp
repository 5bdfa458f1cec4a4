#include "tools/mgw-filter/parts.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/parts.hpp"
#include "lib/mail/readings.hpp"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace mgw::filter_tool
{

namespace
{

constexpr std::size_t widest_column = 64;

/// A part and what its content is.
struct Row {
    const mail::Part& part;
    std::size_t octets; ///< decoded
    std::string sha256; ///< of the decoded octets, in hex
    bool is_damaged;    ///< the encoding is, or the limit on decoded octets cut it
};

Row row_of(const mail::Part& part, std::size_t& room)
{
    if (part.encoding == mail::Encoding::identity || part.encoding == mail::Encoding::unknown)
        return {part, part.body.size(), hex(sha256(part.body)), false}; // nothing to decode, nothing to copy
    bool complete = false;
    const std::string content = mail::decode(part, room, &complete);
    room -= content.size();
    return {part, content.size(), hex(sha256(content)), !complete};
}

std::vector<Row> rows_of(const mail::Parts& parts, std::size_t octets, const Limits& limits)
{
    std::vector<Row> out;
    std::size_t room = limits.decoded_factor * octets;
    for (const auto& part : parts.all())
        out.push_back(row_of(part, room));
    return out;
}

std::string charset_of(const mail::Part& part)
{
    return part.type.parameter("charset").value_or("");
}

/// Characters of UTF-8.
std::size_t width(std::string_view text)
{
    return static_cast<std::size_t>(std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

std::string names_for_people(const std::vector<std::string>& names)
{
    std::string out;
    for (const auto& name : names)
        out += (out.empty() ? "\"" : ", \"") + shown(name, 200) + "\"";
    return out;
}

/// What only some programs see in the message, or see otherwise.
struct OtherReading {
    std::string what; ///< "octets 120 to 480, lenient (base64, padding ends all)"
    std::string reading;
    std::size_t octets;
    std::string sha256;
    std::string type;
    std::vector<std::string> names;
};

std::vector<OtherReading> other_readings(const mail::Message& message, const mail::Parts& parts,
                                         const std::vector<Row>& rows, const Limits& limits)
{
    std::vector<OtherReading> out;
    // a damaged encoding is read in several ways, too
    if (!mail::is_ambiguous(message.oddities() | parts.oddities()) && std::ranges::none_of(rows, &Row::is_damaged))
        return out;
    mail::for_each_content(message, parts, limits, [&out](const mail::Content& content) {
        if (content.reading != mail::Reading::strict)
            out.push_back({content.describe(), std::string(mail::reading_name(content.reading)), content.octets.size(),
                           hex(sha256(content.octets)), content.type, content.file_names});
    });
    return out;
}

std::vector<std::string> flags_of(mail::Oddity oddities)
{
    const std::string names = mail::oddity_names(oddities);
    std::vector<std::string> out;
    for (const auto flag : split(names, ','))
        if (!flag.empty())
            out.emplace_back(flag);
    return out;
}

using Cells = std::array<std::string, 9>;

std::string table(const std::vector<Cells>& lines)
{
    std::array<std::size_t, 9> widths{};
    for (const auto& cells : lines)
        for (std::size_t i = 0; i < cells.size(); ++i)
            widths[i] = std::max(widths[i], std::min(width(cells[i]), widest_column));
    std::string out;
    for (const auto& cells : lines) {
        std::string line;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const bool is_number = i == 0 || i == 5 || i == 6;
            const std::string pad(widths[i] - std::min(widths[i], width(cells[i])), ' ');
            if (widths[i] == 0)
                continue;
            line += (line.empty() ? "" : "  ") + (is_number ? pad + cells[i] : cells[i] + pad);
        }
        line.resize(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::string for_people(const std::string& source, std::string_view message, const mail::Parts& parts,
                       const std::vector<Row>& rows, const std::vector<OtherReading>& others)
{
    std::string out =
        shown(source) + ": " + std::to_string(message.size()) + " octets, sha256 " + hex(sha256(message)) + "\n";
    if (parts.oddities() != mail::Oddity::none)
        out += "flags: " + mail::oddity_names(parts.oddities()) + "\n";
    std::vector<Cells> lines{
        {"no", "part", "type", "charset", "encoding", "octets", "decoded", "sha256 of the decoded octets", "names"}};
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto& [part, octets, digest, is_damaged] = rows[i];
        std::string names = names_for_people(part.file_names);
        if (is_damaged)
            names += names.empty() ? "(damaged)" : " (damaged)";
        if (const auto flags = mail::oddity_names(part.oddities); !flags.empty())
            names += (names.empty() ? "(" : " (") + flags + ")";
        lines.push_back({std::to_string(i + 1), part.path(), shown(part.type.value, 60), shown(charset_of(part), 40),
                         shown(part.encoding_name, 40), std::to_string(part.body.size()), std::to_string(octets),
                         digest, names});
    }
    out += table(lines);
    for (const auto& other : others)
        out += "also seen: " + shown(other.what, 200) + ": " + std::to_string(other.octets) + " octets, sha256 " +
               other.sha256 + (other.names.empty() ? "" : ", " + names_for_people(other.names)) + "\n";
    return out;
}

std::string list_of(const std::vector<std::string>& texts)
{
    std::string out = "[";
    for (const auto& text : texts)
        out += (out.size() > 1 ? "," : "") + json_text(text);
    return out + "]";
}

std::string json_of(const Row& row, std::size_t number)
{
    const auto& part = row.part;
    std::string out = "{\"number\":" + std::to_string(number) + ",\"path\":" + json_text(part.path()) +
                      ",\"depth\":" + std::to_string(part.depth) + ",\"type\":" + json_text(part.type.value);
    const auto optional = [&out](const char* key, const std::string& value) {
        if (!value.empty())
            out.append(",\"").append(key).append("\":").append(json_text(value));
    };
    optional("charset", charset_of(part));
    optional("disposition", part.disposition);
    optional("content-id", part.content_id);
    out += ",\"names\":" + list_of(part.file_names);
    optional("encoding", part.encoding_name);
    out += ",\"header-octets\":" + std::to_string(part.header.size()) +
           ",\"encoded-octets\":" + std::to_string(part.body.size()) + ",\"octets\":" + std::to_string(row.octets) +
           ",\"sha256\":\"" + row.sha256 + "\"";
    if (const auto flags = flags_of(part.oddities); !flags.empty())
        out += ",\"flags\":" + list_of(flags);
    return out + (row.is_damaged ? ",\"damaged\":true}" : "}");
}

std::string json_of(const OtherReading& other)
{
    return "{\"reading\":" + json_text(other.reading) + ",\"what\":" + json_text(other.what) +
           ",\"type\":" + json_text(other.type) + ",\"names\":" + list_of(other.names) +
           ",\"octets\":" + std::to_string(other.octets) + ",\"sha256\":\"" + other.sha256 + "\"}";
}

std::string for_programs(const std::string& source, std::string_view message, const mail::Parts& parts,
                         const std::vector<Row>& rows, const std::vector<OtherReading>& others)
{
    const auto flags = flags_of(parts.oddities());
    std::string out = "{\"source\":" + json_text(source) + ",\"octets\":" + std::to_string(message.size()) +
                      ",\"sha256\":\"" + hex(sha256(message)) + "\",\"flags\":" + list_of(flags) + ",\"parts\":[";
    for (std::size_t i = 0; i < rows.size(); ++i)
        out += (i == 0 ? "" : ",") + json_of(rows[i], i + 1);
    out += "]";
    for (std::size_t i = 0; i < others.size(); ++i)
        out += (i == 0 ? ",\"also-seen\":[" : ",") + json_of(others[i]);
    return out + (others.empty() ? "}\n" : "]}\n");
}

Result<void> extract(cli::Tool& tool, const Options& options, const cli::Item& item)
{
    if (item.frame.members.size() > 1)
        return fail(Status::data, "there is more than one message to take a part from");
    const mail::Message message(item.frame.members.at(0).message, tool.common().limits);
    const mail::Parts parts(message, tool.common().limits);
    const auto& all = parts.all();
    const auto number = parse_number(options.part);
    const auto found = number && *number >= 1 && *number <= all.size()
                           ? all.begin() + static_cast<std::ptrdiff_t>(*number - 1)
                           : std::ranges::find(all, options.part, [](const auto& part) { return part.path(); });
    if (found == all.end())
        return fail(Status::data, item.name + " has no part " + shown(options.part, 40),
                    "mgw-filter parts shows the ones it has");
    if (options.raw) {
        const std::string_view whole(
            found->header.data(),
            static_cast<std::size_t>(found->body.data() + found->body.size() - found->header.data()));
        return write_all(STDOUT_FILENO, whole);
    }
    bool complete = true;
    const std::string content = mail::decode(*found, found->body.size(), &complete);
    if (!complete)
        tool.warn("the encoding of part " + found->path() + " is damaged: what could be decoded is written");
    return write_all(STDOUT_FILENO, content);
}

Result<Status> extract_from_only(cli::Tool& tool, const Options& options, cli::Input& input)
{
    auto only = input.next();
    if (!only)
        return pass(only);
    if (!*only)
        return fail(Status::data, "there is no message to take a part from");
    auto second = input.next();
    if (!second)
        return pass(second);
    if (*second)
        return fail(Status::data, "there is more than one message to take a part from",
                    "name one file, or cut the mailbox into messages first");
    if (auto written = extract(tool, options, **only); !written)
        return pass(written);
    return Status::ok;
}

} // namespace

Result<Status> parts(cli::Tool& tool, const Options& options)
{
    if (options.raw && options.part.empty())
        return fail(Status::usage, "--raw goes with --extract");
    if (tool.common().check)
        return Status::ok;
    const cli::EnvelopeOptions no_envelope;
    cli::Input input(tool, options.shown, no_envelope);
    if (auto prepared = input.prepare(); !prepared)
        return pass(prepared);
    if (auto confined = confine({.read = options.shown.operands}, tool.common().sandbox); !confined)
        return pass(confined);
    if (!options.part.empty())
        return extract_from_only(tool, options, input);
    const Limits& limits = tool.common().limits;
    for (bool first = true;; first = false) {
        auto item = input.next();
        if (!item)
            return pass(item);
        if (!*item)
            return Status::ok;
        for (const auto& member : (*item)->frame.members) {
            const mail::Message message(member.message, limits);
            const mail::Parts parts(message, limits);
            const auto rows = rows_of(parts, member.message.size(), limits);
            const auto others = other_readings(message, parts, rows, limits);
            const auto text = tool.common().json ? for_programs((*item)->name, member.message, parts, rows, others)
                                                 : (first ? "" : "\n") +
                                                       for_people((*item)->name, member.message, parts, rows, others);
            if (auto written = write_all(STDOUT_FILENO, text); !written)
                return pass(written);
        }
    }
}

} // namespace mgw::filter_tool
