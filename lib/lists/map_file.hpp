#pragma once

#include "lib/core/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::lists
{

/// Which of Postfix's text forms a table has.
enum class MapForm : char {
    aliases,   ///< "key value" (virtual(5)) and "key: value" (aliases(5))
    transport, ///< "key value" (transport(5)); a value is needed
    users,     ///< a key alone, or "key value" whose value does not matter
};

/// One entry of a table.
struct MapEntry {
    std::string key;      ///< lower case, without quotes
    std::string value;    ///< continuation lines joined by one blank, trimmed
    std::size_t line = 0; ///< where the entry begins, from 1
    bool colon = false;   ///< written as "key: value"
};

/// A table as it was read.
struct MapFile {
    std::string name;   ///< as it was given: what complaints and explanations name
    std::string sha256; ///< of the file, in hex
    std::vector<MapEntry> entries;

    std::string at(const MapEntry& entry) const { return name + ":" + std::to_string(entry.line); }
};

/// Reads a table in Postfix's text format: an entry begins at the start of a line and goes on in lines that begin with
/// a blank; lines whose first character that is no blank is '#', and empty lines, do not count, nor do they end an
/// entry. Status::config with file and line for whatever is not such a table (a control character, a continuation of
/// nothing, an unclosed quote, an entry without value).
Result<MapFile> parse_map(std::string_view text, std::string_view name, MapForm form);

/// The same of a file. Status::config when it cannot be read.
Result<MapFile> read_map(const std::string& path, MapForm form);

/// "NAME:LINE: what" as Status::config.
std::unexpected<Error> map_error(std::string_view name, std::size_t line, std::string_view what, std::string hint = {});

} // namespace mgw::lists
