#pragma once

#include "lib/filter/program.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mgw::filter
{

/// RFC 5228 section 2.4.2.4: ${hex: 40 41} and ${unicode: 20ac}. Nothing (and `why`) for a number that is no character.
std::optional<std::string> decode_encoded_characters(std::string_view text, std::string& why);

/// Cuts a string at its variables (RFC 5229 section 3). What is no well-formed reference stays literal. A reference
/// with a namespace that does not exist goes to `why`.
Text cut_variables(std::string_view text, std::string& why);

/// An identifier (RFC 5228 section 8.1), which is what variables are called.
bool is_identifier(std::string_view text);

/// RFC 5229 section 4.1: "lower", "upper", "lowerfirst", "upperfirst", "quotewildcard", "length"; its precedence, 0 if
/// unknown.
int modifier_precedence(std::string_view name);
std::string modify(std::string value, std::string_view modifier);

} // namespace mgw::filter
