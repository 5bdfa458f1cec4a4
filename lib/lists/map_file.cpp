#include "lib/lists/map_file.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/lists/address_key.hpp"

#include <optional>

namespace mgw::lists
{

namespace
{

/// An entry's lines, joined.
struct LogicalLine {
    std::string text;
    std::size_t line = 0;
};

/// Length of the key at the start of `text`: up to a blank, or a colon where the form has them, outside quotes and
/// brackets. Nothing if a quote is not closed.
std::optional<std::size_t> key_octets(std::string_view text, bool colon_ends)
{
    bool quoted = false;
    bool bracketed = false;
    std::size_t i = 0;
    for (; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\\' && i + 1 < text.size())
            ++i;
        else if (c == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (c == '[' || c == ']')
            bracketed = c == '[';
        else if (is_blank(c) || (c == ':' && colon_ends && !bracketed))
            break;
    }
    return quoted ? std::nullopt : std::optional(i);
}

Result<MapEntry> parse_entry(const LogicalLine& logical, std::string_view name, MapForm form)
{
    const std::string_view text = logical.text;
    const auto octets = key_octets(text, form == MapForm::aliases);
    if (!octets)
        return map_error(name, logical.line, "a quote is not closed");
    MapEntry entry;
    entry.line = logical.line;
    // tables are asked with lower-case addresses without quotes
    entry.key = to_lower(unquoted(text.substr(0, *octets)));
    std::string_view rest = trim(text.substr(*octets));
    // "key : value" is aliases(5) as well
    if (form == MapForm::aliases && rest.starts_with(':') && !rest.starts_with(":include:")) {
        entry.colon = true;
        rest = trim(rest.substr(1));
    }
    entry.value = std::string(rest);
    if (entry.key.empty())
        return map_error(name, logical.line, "the entry has no key before its value");
    if (entry.value.empty() && form != MapForm::users)
        return map_error(name, logical.line, "\"" + printable(entry.key, 80) + "\" has no value",
                         "write the key, a blank, and the value");
    return entry;
}

/// Adds one physical line; false if it goes on with an entry that does not exist.
bool add_line(std::vector<LogicalLine>& lines, std::string_view raw, std::size_t number)
{
    const std::string_view text = trim(raw);
    if (text.empty() || text.front() == '#')
        return true;
    if (!is_blank(raw.front())) {
        lines.push_back({std::string(text), number});
        return true;
    }
    if (lines.empty())
        return false;
    lines.back().text.append(" ").append(text);
    return true;
}

} // namespace

std::unexpected<Error> map_error(std::string_view name, std::size_t line, std::string_view what, std::string hint)
{
    return fail(Status::config, std::string(name) + ":" + std::to_string(line) + ": " + std::string(what),
                std::move(hint));
}

Result<MapFile> parse_map(std::string_view text, std::string_view name, MapForm form)
{
    MapFile map{.name = std::string(name), .sha256 = hex(sha256(text)), .entries = {}};
    std::vector<LogicalLine> lines;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = text.find('\n');
        std::string_view raw = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (raw.ends_with('\r'))
            raw.remove_suffix(1);
        for (const char c : raw)
            if ((static_cast<unsigned char>(c) < 32 && c != '\t') || c == 127)
                return map_error(name, number, "a control character does not belong into a table");
        if (!add_line(lines, raw, number))
            return map_error(name, number, "the first line begins with a blank, as if it continued another one",
                             "begin an entry at the start of its line");
    }
    map.entries.reserve(lines.size());
    for (const auto& line : lines) {
        auto entry = parse_entry(line, name, form);
        if (!entry)
            return pass(entry);
        map.entries.push_back(std::move(*entry));
    }
    return map;
}

Result<MapFile> read_map(const std::string& path, MapForm form)
{
    auto text = read_file(path);
    if (!text)
        return pass(text);
    return parse_map(*text, path, form);
}

} // namespace mgw::lists
