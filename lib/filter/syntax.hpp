#pragma once

#include "lib/filter/lexer.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mgw::filter
{

struct StringItem {
    Position at;
    std::string text;
};

/// One argument of a command or test (RFC 5228 section 2.6).
struct Argument {
    enum class Kind : char { tag, number, strings };
    Kind kind = Kind::strings;
    Position at;
    std::string tag;
    std::uint64_t number = 0;
    std::vector<StringItem> strings; ///< one for a string, any number for a list
    bool is_list = false;
};

/// A command or a test with its arguments: generic syntax, nothing is known of names yet (RFC 5228 section 8.2).
struct Node {
    Position at;
    std::string name; ///< lower case
    std::vector<Argument> arguments;
    std::vector<Node> tests;
    bool test_list = false; ///< the tests stand in parentheses
    std::vector<Node> block;
    bool has_block = false;
};

/// Bounds on a script.
struct ScriptLimits {
    std::size_t octets = 4U << 20;
    std::size_t nesting = 32; ///< blocks and tests within each other
};

/// Parses a script. At the first problem it stops; what was read before is returned for those who want it. Nodes nest
/// at most `limits.nesting` deep, so walking them by recursion is safe.
std::vector<Node> parse_script(std::string_view script, const ScriptLimits& limits, std::vector<Problem>& problems);

} // namespace mgw::filter
