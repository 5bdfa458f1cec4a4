#pragma once

#include "lib/core/random.hpp"

#include <string>
#include <string_view>

namespace mgw::mail
{

/// A boundary of 28 random characters that does not occur in `content`.
std::string make_boundary(std::string_view content, Random& random);

} // namespace mgw::mail
