#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::peers
{

/// One MIME part as a parser sees it, in order of appearance.
struct PeerPart {
    std::size_t depth = 0;
    std::string type;               ///< lower case, without parameters
    std::vector<std::string> names; ///< candidates for the file name, decoded to UTF-8, without repetitions
    bool is_leaf = true;            ///< false for what was descended into
    std::string content;            ///< of a leaf, transfer encoding removed
};
using PeerParts = std::vector<PeerPart>;

/// Adds a candidate unless it is empty or listed.
void add_name(PeerPart& part, std::string_view name);

/// The message as each parser reads it; an empty list where it finds no message at all.
PeerParts read_mgw(std::string_view octets);
/// What mgw sees beside its tree in a message that can be read in two ways, without order or depth.
PeerParts other_readings(std::string_view octets);
PeerParts read_gmime(std::string_view octets);
/// `stream` reads from an istream instead of from memory: mimetic has a different parser for each.
PeerParts read_mimetic(std::string_view octets, bool stream);

} // namespace mgw::peers
