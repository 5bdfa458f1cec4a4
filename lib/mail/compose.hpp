#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/random.hpp"
#include "lib/core/result.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::mail
{

/// A message to compose: notices, wrappers. Values with CR, LF or NUL are refused (Status::data).
struct Composed {
    std::vector<std::pair<std::string, std::string>>
        fields; ///< in order; values in UTF-8, encoded by RFC 2047 where needed
    std::string content_type = "text/plain; charset=utf-8"; ///< without boundary for multipart
    std::string body;                                       ///< of a single part, in UTF-8 or already encoded
    std::vector<Composed> parts;                            ///< of a multipart; their fields are MIME fields
};

/// Composes with CRLF, MIME-Version, and boundaries that do not occur in any part.
Result<std::string> compose(const Composed& what, Random& random);

/// A boundary of 28 random characters that does not occur in `content`.
std::string make_boundary(std::string_view content, Random& random);

} // namespace mgw::mail
