#include "lib/smtp/mta_sts.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

constexpr std::string_view version_tag = "v=STSv1";
constexpr std::size_t most_exchangers = 1000;

bool is_id(std::string_view text)
{
    return !text.empty() && text.size() <= 32 &&
           std::ranges::all_of(text, [](char c) { return is_digit(c) || is_letter(c); });
}

bool is_sts_record(std::string_view record)
{
    if (!record.starts_with(version_tag))
        return false;
    const auto rest = trim(record.substr(version_tag.size()));
    return rest.starts_with(';');
}

/// "mx" of a policy in the form that host names are compared in; empty for anything else.
std::string exchanger_pattern(std::string_view text)
{
    const std::string wild = text.starts_with("*.") ? "*." : "";
    const auto domain = mail::normal_domain(text.substr(wild.size()));
    return domain.empty() ? domain : wild + domain;
}

std::optional<StsPolicy::Mode> parse_mode(std::string_view text)
{
    for (const auto mode : {StsPolicy::Mode::none, StsPolicy::Mode::testing, StsPolicy::Mode::enforce})
        if (mode_name(mode) == text)
            return mode;
    return {};
}

} // namespace

std::string_view mode_name(StsPolicy::Mode mode)
{
    switch (mode) {
    case StsPolicy::Mode::none:
        return "none";
    case StsPolicy::Mode::testing:
        return "testing";
    case StsPolicy::Mode::enforce:
        return "enforce";
    }
    return "none";
}

bool StsPolicy::allows(std::string_view host) const
{
    const auto dot = host.find('.');
    const auto parent = dot == std::string_view::npos || dot == 0 ? std::string_view{} : host.substr(dot + 1);
    return std::ranges::any_of(mx, [&](std::string_view pattern) {
        return pattern.starts_with("*.") ? !parent.empty() && pattern.substr(2) == parent : pattern == host;
    });
}

std::optional<std::string> parse_sts_record(const std::vector<std::string>& records)
{
    if (std::ranges::count_if(records, is_sts_record) != 1)
        return {};
    const auto fields = split(*std::ranges::find_if(records, is_sts_record), ';');
    for (std::size_t i = 1; i < fields.size(); ++i) {
        const auto field = trim(fields[i]);
        const auto equals = field.find('=');
        if (equals == std::string_view::npos || trim(field.substr(0, equals)) != "id")
            continue;
        const auto id = trim(field.substr(equals + 1));
        return is_id(id) ? std::optional<std::string>(id) : std::nullopt;
    }
    return {};
}

Result<StsPolicy> parse_sts_policy(std::string_view text)
{
    StsPolicy policy;
    std::optional<std::string_view> version;
    std::optional<std::string_view> mode;
    std::optional<std::string_view> age;
    for (auto line : split(text, '\n')) {
        const auto colon = line.find(':');
        if (colon == std::string_view::npos)
            continue;
        const auto key = trim(line.substr(0, colon));
        const auto value = trim(line.substr(colon + 1));
        if (key == "mx") {
            auto pattern = exchanger_pattern(value);
            if (pattern.empty())
                return fail(Status::data, "mx is not a host name: " + printable_ascii(value, 100));
            if (policy.mx.size() == most_exchangers)
                return fail(Status::data, "more than 1000 mx");
            policy.mx.push_back(std::move(pattern));
            continue;
        }
        auto* place = key == "version" ? &version : key == "mode" ? &mode : key == "max_age" ? &age : nullptr;
        if (place != nullptr && !*place)
            *place = value;
    }
    if (version != "STSv1")
        return fail(Status::data, "the version is not STSv1");
    const auto known = mode ? parse_mode(*mode) : std::nullopt;
    if (!known)
        return fail(Status::data, "the mode is not enforce, testing or none");
    policy.mode = *known;
    const auto seconds = age && age->size() <= 10 ? parse_number(*age) : std::nullopt;
    if (!seconds)
        return fail(Status::data, "max_age is not a number of seconds");
    policy.max_age = std::min(StsPolicy::longest_age, std::chrono::seconds(*seconds));
    if (policy.mx.empty() && policy.mode != StsPolicy::Mode::none)
        return fail(Status::data, "no mx");
    return policy;
}

std::string sts_policy_text(const StsPolicy& policy)
{
    std::string text = "version: STSv1\nmode: " + std::string(mode_name(policy.mode)) +
                       "\nmax_age: " + std::to_string(policy.max_age.count()) + "\n";
    for (const auto& mx : policy.mx)
        text += "mx: " + mx + "\n";
    return text;
}

} // namespace mgw::smtp
