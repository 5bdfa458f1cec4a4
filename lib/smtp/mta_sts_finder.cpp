#include "lib/smtp/mta_sts_finder.hpp"

#include "lib/core/text.hpp"

namespace mgw::smtp
{

namespace
{

constexpr std::chrono::seconds refresh_age{86400};
constexpr std::chrono::seconds pause_after_failure{300};

/// "ID SECONDS\nPOLICY": what a store keeps.
struct Kept {
    std::string id;
    std::int64_t fetched = 0;
    StsPolicy policy;
};

std::optional<Kept> read_kept(std::string_view value)
{
    const auto end = value.find('\n');
    const auto words = split_blanks(value.substr(0, end));
    if (end == std::string_view::npos || words.size() != 2)
        return {};
    const auto fetched = parse_number(words[1]);
    auto policy = parse_sts_policy(value.substr(end + 1));
    if (!fetched || !policy)
        return {};
    return Kept{std::string(words[0]), static_cast<std::int64_t>(*fetched), std::move(*policy)};
}

StsFound found(std::optional<StsPolicy> policy, const std::string& how, std::string trouble = {})
{
    const std::string mode = policy ? "mta-sts " + std::string(mode_name(policy->mode)) : "no mta-sts";
    return {std::move(policy), mode + ": " + how, std::move(trouble)};
}

} // namespace

StsFound StsFinder::find(const std::string& domain, dns::Resolver& resolver) const
{
    const Time now = clock_.now();
    const auto key = state::make_key({"mta-sts", domain});
    const auto pause = state::make_key({"mta-sts-failed", domain});
    std::optional<Kept> kept;
    if (const auto value = store_.get(key, now); value && *value)
        kept = read_kept(**value);
    const auto old_one = [&](const std::string& why, const std::string& trouble = {}) {
        return kept ? found(kept->policy, "version " + kept->id + ", kept" + why, trouble)
                    : found({}, why.empty() ? "no record" : why.substr(2), trouble);
    };

    const auto answer = resolver.query("_mta-sts." + domain, dns::Type::txt);
    std::vector<std::string> records;
    for (const auto& record : answer.records)
        records.push_back(record.data);
    const auto id = parse_sts_record(records);
    if (!id)
        return old_one(kept ? "; there is no record now" : "");
    const bool fresh = kept && kept->id == *id && unix_seconds(now) - kept->fetched < refresh_age.count();
    if (fresh)
        return old_one("");
    if (const auto failed = store_.get(pause, now); failed && *failed)
        return old_one("; " + **failed, "sts-policy-fetch-error");

    const auto not_fetched = [&](const std::string& why, const std::string& trouble) {
        (void)store_.put(pause, why, pause_after_failure, now); // without it the next mail asks again
        return old_one("; " + why, trouble);
    };
    const auto fetched = fetch_(domain, resolver);
    if (!fetched.trouble.empty())
        return not_fetched(fetched.why, fetched.trouble);
    auto policy = parse_sts_policy(fetched.text);
    if (!policy)
        return not_fetched(policy.error().message, "sts-policy-invalid");
    if (policy->max_age.count() > 0) {
        const auto value = *id + " " + std::to_string(unix_seconds(now)) + "\n" + sts_policy_text(*policy);
        (void)store_.put(key, value, policy->max_age, now); // without it the next mail fetches again
    }
    return found(std::move(*policy), "version " + *id + ", fetched");
}

} // namespace mgw::smtp
