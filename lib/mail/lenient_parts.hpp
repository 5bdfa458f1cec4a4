#pragma once

#include "lib/core/limits.hpp"
#include "lib/mail/lenient_header.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// Octets that may be a part, whatever the boundary parameters say.
struct LenientPart {
    struct Body {
        std::size_t begin = 0;
        std::size_t end = 0;
    };
    std::vector<Body> bodies; ///< every place where its body may begin and end, the strict one first
    std::vector<std::string> file_names;
    std::string type;
    std::string encodings; ///< all that is said of its encoding
};

struct LenientSplit {
    std::vector<LenientPart> parts;
    bool is_cut = false; ///< over Limits::parts
};

/// Splits at every line that some program may take for a delimiter: dashes at the start of a line, blanks, CR and other
/// control characters before them or not, with MIME fields soon after or one of the boundaries that any parameter
/// names, as it stands, shortened or prolonged; and at such boundaries in the midst of lines.
LenientSplit split_leniently(std::string_view octets, const Limits& limits);

/// Whether decoded octets may be a message or hold parts.
bool may_hold_parts(std::string_view octets);

} // namespace mgw::mail
