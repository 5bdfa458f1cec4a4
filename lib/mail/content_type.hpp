#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::mail
{

/// Parameters of one field that are looked at.
constexpr std::size_t most_parameters = 64;

/// A value with parameters (RFC 2045 section 5.1, RFC 2231): Content-Type, Content-Disposition.
struct ContentType {
    std::string value;                                           ///< lower case: "text/plain", "attachment"
    std::vector<std::pair<std::string, std::string>> parameters; ///< names lower case, values unquoted and decoded to
                                                                 ///< UTF-8; every reading of a name, the usual first

    /// First parameter of that (lower case) name.
    std::optional<std::string> parameter(std::string_view name) const;
    bool is(std::string_view type) const { return value == type; }
    /// "text" of "text/plain"
    std::string_view major() const { return std::string_view(value).substr(0, value.find('/')); }
};

/// Reads an unfolded field value. Comments, quoted strings, RFC 2231 continuations and charsets are understood;
/// whatever is malformed is read as the common mail programs read it.
ContentType parse_content_type(std::string_view value);

} // namespace mgw::mail
