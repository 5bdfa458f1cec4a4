#include "lib/auth/tags.hpp"

#include "lib/core/text.hpp"

namespace mgw::auth
{
namespace
{

bool is_tag_name(std::string_view name)
{
    if (name.empty())
        return false;
    for (const char c : name)
        if (!is_digit(c) && !is_letter(c) && c != '_')
            return false;
    return true;
}

/// Reads the well-formed pieces; `well_formed` tells whether all were, and no more than `limit`.
std::vector<Tag> read_tags(std::string_view text, std::size_t limit, bool& well_formed)
{
    std::vector<Tag> tags;
    while (!text.empty()) {
        const auto semicolon = text.find(';');
        const auto piece = trim(text.substr(0, semicolon));
        text = semicolon == std::string_view::npos ? std::string_view{} : text.substr(semicolon + 1);
        if (piece.empty() && text.empty())
            break;
        if (tags.size() == limit) {
            well_formed = false;
            break;
        }
        const auto equals = piece.find('=');
        const auto name = trim(piece.substr(0, equals));
        if (equals == std::string_view::npos || !is_tag_name(name)) {
            well_formed = false;
            continue;
        }
        tags.push_back({name, trim(piece.substr(equals + 1))});
    }
    return tags;
}

} // namespace

std::optional<std::vector<Tag>> parse_tags(std::string_view text, std::size_t limit)
{
    bool well_formed = true;
    auto tags = read_tags(text, limit, well_formed);
    if (!well_formed)
        return std::nullopt;
    return tags;
}

std::vector<Tag> parse_tags_leniently(std::string_view text, std::size_t limit)
{
    bool well_formed = true;
    return read_tags(text, limit, well_formed);
}

std::optional<std::string_view> tag_value(const std::vector<Tag>& tags, std::string_view name)
{
    for (const auto& tag : tags)
        if (tag.name == name)
            return tag.value;
    return std::nullopt;
}

std::string without_space(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (const char c : text)
        if (!is_blank(c) && c != '\r' && c != '\n')
            out += c;
    return out;
}

} // namespace mgw::auth
