#pragma once

#include "lib/mail/idn.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mgw::auth
{

using mail::normal_domain;

/// Number of labels of a normal domain; 0 for "".
std::size_t label_count(std::string_view domain);

/// Without its left-most label; "" for a single label.
std::string_view parent_domain(std::string_view domain);

/// Whether `domain` is `ancestor` or stands below it. Both are normal domains.
bool is_or_below(std::string_view domain, std::string_view ancestor);

/// The domain of an address: what follows its last '@', not normalised; empty without one.
std::string_view address_domain(std::string_view address);

/// Organizational domain by the public suffix list (RFC 7489 section 3.2); empty if `domain` is itself a public suffix.
std::string registrable_domain(std::string_view domain);

} // namespace mgw::auth
