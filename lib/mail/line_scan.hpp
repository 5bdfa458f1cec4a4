#pragma once

#include <cstddef>
#include <string_view>

/// What is asked of every octet of a message, as fast as the memory gives them.
namespace mgw::mail
{

struct LineEndOddities {
    bool nul = false;
    bool bare_cr = false; ///< CR without LF behind it, also at the end
    bool bare_lf = false; ///< LF without CR before it
};
LineEndOddities line_end_oddities(std::string_view octets);

/// The start of the next line behind `at` that may begin with '-', 'b', '=' or '(': what a part tree looks at; the size
/// where there is none. Lines that begin with something else may be given as well.
std::size_t next_line_of_interest(std::string_view octets, std::size_t at);

} // namespace mgw::mail
