// Policies of MTA-STS and the TXT records that announce them, from domains that lie: the first line is a record, the
// rest a policy. A policy that is read stays itself when it is written and read again, and names only hosts.
#include "lib/core/text.hpp"
#include "lib/smtp/mta_sts.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace mgw;
using namespace mgw::smtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto end = std::min(input.find('\n'), input.size());
    const std::string record(input.substr(0, end));
    if (const auto id = parse_sts_record({record, "v=spf1 -all"}))
        if (id->empty() || id->size() > 32)
            std::abort();
    if (parse_sts_record({record, record}))
        std::abort();
    const auto policy = parse_sts_policy(input.substr(std::min(end + 1, input.size())));
    if (!policy)
        return 0;
    if (policy->max_age < std::chrono::seconds(0) || policy->max_age > StsPolicy::longest_age)
        std::abort();
    const auto again = parse_sts_policy(sts_policy_text(*policy));
    if (!again || again->mx != policy->mx || again->mode != policy->mode || again->max_age != policy->max_age)
        std::abort();
    for (const auto& mx : policy->mx) {
        const bool wild = mx.starts_with("*.");
        if (!is_ascii(mx) || !policy->allows(wild ? "a" + mx.substr(1) : mx) ||
            (wild && again->allows("a.b" + mx.substr(1)) && policy->mx.size() == 1))
            std::abort();
    }
    return 0;
}
