#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::filter
{

/// A place in a script, counted from 1; columns count octets.
struct Position {
    std::uint32_t line = 1;
    std::uint32_t column = 1;
};

/// What is wrong with a script, where, and what to try.
struct Problem {
    Position at;
    std::string message;
    std::string hint = {};
};

enum class TokenKind : char { identifier, tag, number, string, punctuation, end };

struct Token {
    TokenKind kind = TokenKind::end;
    Position at;
    std::string text; ///< identifiers and tags in lower case, a tag without its colon; strings with escapes removed
    std::uint64_t number = 0; ///< with its quantifier applied
    char mark = 0;            ///< punctuation
};

/// Splits a Sieve script into tokens (RFC 5228 section 8.1). Line ends may be CRLF or LF. The last token is `end`.
/// Stops at the first problem, which goes to `problems`.
std::vector<Token> tokenize(std::string_view script, std::vector<Problem>& problems);

} // namespace mgw::filter
