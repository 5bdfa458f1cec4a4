#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::auth
{

/// One tag=value of a tag list (RFC 6376 section 3.2): DKIM signatures and keys, DMARC records. Views into the list,
/// without the white space around name and value; white space inside a value stays.
struct Tag {
    std::string_view name;
    std::string_view value;
};

/// The tags of `text` in order, at most `limit`; nothing when a piece between semicolons has no name or no '='. An
/// empty last piece is allowed. Duplicates are kept for the caller to judge.
std::optional<std::vector<Tag>> parse_tags(std::string_view text, std::size_t limit = 64);

/// The same for records in which malformed pieces are passed over (DMARC, RFC 9989 section 4.7).
std::vector<Tag> parse_tags_leniently(std::string_view text, std::size_t limit = 64);

/// Value of the first tag of that name (case matters, RFC 6376 section 3.2); nothing if there is none.
std::optional<std::string_view> tag_value(const std::vector<Tag>& tags, std::string_view name);

/// `text` without blanks and line ends: the octets of base64 and of folded lists.
std::string without_space(std::string_view text);

} // namespace mgw::auth
