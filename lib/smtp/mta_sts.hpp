#pragma once

#include "lib/core/result.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::smtp
{

/// What a domain says about TLS to its mail exchangers (MTA-STS, RFC 8461).
struct StsPolicy {
    enum class Mode : char { none, testing, enforce };
    static constexpr std::chrono::seconds longest_age{31557600}; ///< section 3.2: a year

    Mode mode = Mode::none;
    std::vector<std::string> mx; ///< A-labels in lower case; "*." stands for exactly one label
    std::chrono::seconds max_age{0};

    /// True if a host may be a mail exchanger of the domain (section 4.1). `host` in lower case.
    bool allows(std::string_view host) const;
};
std::string_view mode_name(StsPolicy::Mode mode);

/// The `id` of the one record that begins with "v=STSv1;" among the TXT records of _mta-sts.DOMAIN; nothing where there
/// is none, more than one, or one without a valid id (section 3.1).
std::optional<std::string> parse_sts_record(const std::vector<std::string>& records);

/// Reads a policy file (section 3.2): lines "key: value" ended by CRLF or LF. Unknown keys are passed over, of keys
/// other than mx the first one counts. max_age is cut to a year. Status::data with what is wrong: another version, no
/// mode, no max_age, no mx although a mode asks for it, more than 1000 mx.
Result<StsPolicy> parse_sts_policy(std::string_view text);

/// The policy as a file that parse_sts_policy() reads.
std::string sts_policy_text(const StsPolicy& policy);

} // namespace mgw::smtp
