#include "lib/route/srs.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/lists/address_key.hpp"
#include "lib/mail/codec.hpp"

#include <sys/stat.h>

namespace mgw::route
{

namespace
{

constexpr std::size_t hash_chars = 4;
constexpr std::int64_t days_valid = 21;
constexpr std::int64_t days_in_cycle = 1024; // two digits of base 32
constexpr std::string_view base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::int64_t seconds_a_day = 86400;

std::string hash_of(std::string_view secret, std::string_view text)
{
    return mail::base64_encode(hmac_sha1(secret, to_lower(text)), 0).substr(0, hash_chars);
}

std::string day_digits(Time now)
{
    const auto day = static_cast<std::size_t>((unix_seconds(now) / seconds_a_day) % days_in_cycle);
    return {base32[day / 32], base32[day % 32]};
}

/// Age in days of two base 32 digits, in any case; -1 if they are none.
std::int64_t age_in_days(std::string_view digits, Time now)
{
    std::int64_t day = 0;
    for (const char c : digits) {
        const auto value = base32.find(upper(c));
        if (value == std::string_view::npos)
            return -1;
        day = day * 32 + static_cast<std::int64_t>(value);
    }
    const std::int64_t today = (unix_seconds(now) / seconds_a_day) % days_in_cycle;
    return (today - day + days_in_cycle) % days_in_cycle;
}

/// The separators that rewriters use behind "SRS0" and "SRS1".
bool has_tag(std::string_view local, std::string_view tag)
{
    return local.size() > tag.size() && istarts_with(local, tag) && std::string_view("=+-").contains(local[tag.size()]);
}

/// Takes what stands before the next '=' off the front of `text`; nothing left of it if there is no '='.
std::string_view take_field(std::string_view& text)
{
    const auto at = text.find('=');
    const auto field = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return field;
}

} // namespace

Srs::Srs(std::vector<std::string> secrets, std::string domain) : secrets_(std::move(secrets)), domain_(to_lower(domain))
{}

Result<std::string> Srs::forward(std::string_view sender, Time now) const
{
    const auto domain = lists::domain_of(sender);
    const auto local = lists::local_of(sender);
    if (domain.empty() || local.empty())
        return fail(Status::data, "the sender has no domain");
    const std::string& secret = secrets_.front();
    if (has_tag(local, "SRS0")) {
        // a forwarder before us: the guarded form keeps its host, and its separator as the first character of the rest
        const std::string rest(local.substr(4));
        const std::string host(domain);
        return "SRS1=" + hash_of(secret, host + rest) + "=" + host + "=" + rest + "@" + domain_;
    }
    if (has_tag(local, "SRS1")) {
        std::string_view rest = local.substr(5);
        take_field(rest); // the hash of the forwarder before us is not ours to check
        const std::string host(take_field(rest));
        if (host.empty() || rest.empty())
            return fail(Status::data, "the sender's SRS1 address is malformed");
        return "SRS1=" + hash_of(secret, host + std::string(rest)) + "=" + host + "=" + std::string(rest) + "@" +
               domain_;
    }
    const std::string day = day_digits(now);
    const std::string host(domain);
    const std::string user(local);
    return "SRS0=" + hash_of(secret, day + host + user) + "=" + day + "=" + host + "=" + user + "@" + domain_;
}

bool Srs::is_ours(std::string_view recipient) const
{
    const auto local = lists::local_of(recipient);
    return iequals(lists::domain_of(recipient), domain_) && (has_tag(local, "SRS0") || has_tag(local, "SRS1"));
}

bool Srs::verify(std::string_view hash, std::string_view text) const
{
    bool right = false;
    // without regard to case: some servers fold the local part
    for (const auto& secret : secrets_)
        right = equal_secret(to_lower(hash), to_lower(hash_of(secret, text))) || right;
    return right;
}

Result<std::string> Srs::reverse(std::string_view recipient, Time now) const
{
    std::string_view rest = lists::local_of(recipient);
    const bool is_guarded = has_tag(rest, "SRS1");
    rest.remove_prefix(std::min<std::size_t>(rest.size(), 5));
    const std::string hash(take_field(rest));
    if (is_guarded) {
        const std::string host(take_field(rest));
        const std::string user(rest);
        if (!verify(hash, host + user))
            return fail(Status::data, "the hash of the SRS address is wrong");
        const std::string address = "SRS0" + user + "@" + host;
        if (user.empty() || !lists::is_address(address) || !lists::is_domain(host))
            return fail(Status::data, "the SRS address is malformed");
        return address;
    }
    const std::string day(take_field(rest));
    const std::string host(take_field(rest));
    const std::string user(rest);
    if (!verify(hash, day + host + user))
        return fail(Status::data, "the hash of the SRS address is wrong");
    const auto age = day.size() == 2 ? age_in_days(day, now) : -1;
    const std::string address = user + "@" + host;
    if (age < 0 || user.empty() || !lists::is_domain(host) || !lists::is_address(address))
        return fail(Status::data, "the SRS address is malformed");
    // one day ahead is a forwarder's clock
    if (age > days_valid && age != days_in_cycle - 1)
        return fail(Status::data, "the SRS address is older than " + std::to_string(days_valid) + " days");
    return address;
}

Result<std::vector<std::string>> read_srs_secrets(const std::string& path)
{
    auto text = read_file(path, 1U << 16);
    if (!text)
        return pass(text);
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
        return fail(Status::config, path + " can be read by others", "chmod 600 " + path);
    std::vector<std::string> secrets;
    for (const auto line : split(*text, '\n'))
        if (const auto secret = trim(line); !secret.empty())
            secrets.emplace_back(secret);
    if (secrets.empty())
        return fail(Status::config, path + " holds no secret", "write one line of random characters into it");
    return secrets;
}

} // namespace mgw::route
