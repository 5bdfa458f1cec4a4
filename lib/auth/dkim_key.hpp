#pragma once

#include <string>
#include <string_view>

namespace mgw::auth
{

/// A key record (RFC 6376 section 3.6.1) as libopendkim can use it: it reads only SubjectPublicKeyInfo, while the RFC's
/// own examples (and its text) have the bare RSAPublicKey of RFC 8017. Such a p= gets the missing frame; any other
/// record comes back as it is.
std::string usable_key_record(std::string_view record);

} // namespace mgw::auth
