#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace mgw::auth::spf
{

/// Where a macro string stands. Explanations may hold blanks, and the letters c, r and t (RFC 7208 section 7.2).
enum class MacroUse : char { domain, modifier, explanation };

/// Values of the macro letters for one record. Their octets are foreign.
struct MacroValues {
    std::string local;                           ///< l
    std::string sender_domain;                   ///< o
    std::string domain;                          ///< d
    std::string dotted_ip;                       ///< i
    std::string readable_ip;                     ///< c
    std::string_view ip_version;                 ///< v
    std::string helo;                            ///< h
    std::string receiver;                        ///< r
    std::string time;                            ///< t
    std::function<std::string()> validated_name; ///< p: asks the DNS, so only where it is used
};

/// Whether `text` is a macro-string (section 7.1), of printable ASCII only.
bool is_macro_string(std::string_view text, MacroUse use);

/// Whether `text` is a domain-spec: a macro-string that ends in a macro or a top label with a dot before it.
bool is_domain_spec(std::string_view text);

/// Whether a macro-string uses the letter `p`.
bool uses_validated_name(std::string_view text);

/// The text of a valid macro-string.
std::string expand(std::string_view text, const MacroValues& values);

/// The domain of a valid domain-spec: no final dot, left labels removed until it fits into 253 octets (section 7.3).
std::string expand_domain(std::string_view text, const MacroValues& values);

} // namespace mgw::auth::spf
