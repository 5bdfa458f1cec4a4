#pragma once

#include <string>
#include <string_view>

namespace mgw::mail
{

/// The encoding that browsers (and by now mail programs) mean by a charset's label (encoding.spec.whatwg.org section
/// 4.2), regardless of case and blanks around it: "windows-1252" for "iso-8859-1". Empty for what is no label there.
std::string_view encoding_of(std::string_view label);

/// `octets` in `charset` as UTF-8: by the web's labels, else by the names that iconv knows. What cannot be converted
/// becomes U+FFFD. UTF-8 for an empty charset; octets that are UTF-8 stay as they are in an unknown one.
std::string to_utf8(std::string_view octets, std::string_view charset);

} // namespace mgw::mail
