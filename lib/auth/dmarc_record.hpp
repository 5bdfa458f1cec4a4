#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::auth
{

/// What a domain asks for (RFC 9989 section 4.7), from mildest to strictest.
enum class Policy : char { none, quarantine, reject };
std::string_view policy_name(Policy policy);

/// A DMARC policy record (RFC 9989 section 4.7). Tags that were removed (pct, rf, ri) and unknown ones have no effect.
struct DmarcRecord {
    Policy p = Policy::none;
    std::optional<Policy> sp;     ///< for names below the record's domain
    std::optional<Policy> np;     ///< for names below it that do not exist
    char psd = 'u';               ///< 'y' public suffix, 'n' organizational domain, 'u' unknown
    bool testing = false;         ///< t=y: one level milder
    bool strict_dkim = false;     ///< adkim=s
    bool strict_spf = false;      ///< aspf=s
    std::vector<std::string> rua; ///< where aggregate reports go
    std::vector<std::string> ruf; ///< where failure reports go
};

/// Whether a TXT record is meant as a DMARC record: its first tag is exactly v=DMARC1.
bool is_dmarc_record(std::string_view text);

/// Reads a record. libopendmarc parses; what it gets wrong (order of tags, spelling of values, duplicates, removed
/// tags, np, psd and t) is checked and read here. Nothing, with a reason, when it is no usable record: a p= that is
/// missing or unknown is "none" where rua= names an address, else there is no policy (section 4.10.1).
std::optional<DmarcRecord> parse_dmarc(std::string_view text, std::string_view domain, std::string* reason = nullptr);

} // namespace mgw::auth
