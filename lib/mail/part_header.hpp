#pragma once

#include "lib/mail/parts.hpp"

namespace mgw::mail
{

/// Fills a part from its own header: types, names, encoding, and what is odd about them. `in_digest`: the part stands
/// in a multipart/digest, where a part without a type is a message (RFC 2046 section 5.1.5).
void read_part_header(const Message& own, bool in_digest, Part& part);

} // namespace mgw::mail
