#pragma once

#include "lib/core/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::auth::spf
{

enum class Mechanism : char { all, include, a, mx, ptr, ip4, ip6, exists };

/// One directive: qualifier and mechanism.
struct Term {
    std::string text; ///< as it stands in the record
    char qualifier = '+';
    Mechanism mechanism = Mechanism::all;
    std::string domain;  ///< domain-spec; empty for the current domain
    std::string network; ///< ip4: 4 octets, ip6: 16 octets
    unsigned bits4 = 32; ///< prefix lengths
    unsigned bits6 = 128;
};

struct Record {
    std::vector<Term> terms;
    std::string redirect;    ///< domain-spec; empty for none
    std::string explanation; ///< domain-spec of exp=; empty for none
};

/// Whether this TXT text is an SPF record (RFC 7208 section 4.5).
bool is_spf_record(std::string_view text);

/// Checks a whole record by the grammar of RFC 7208 section 12; Status::data names the first term that is wrong.
/// A record longer than 16,384 octets is refused: four times what any sender publishes.
Result<Record> parse_record(std::string_view text);

} // namespace mgw::auth::spf
