#include "lib/smtp/client_policy.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mgw::smtp
{

namespace
{

constexpr std::array<std::pair<TlsLevel, std::string_view>, 6> level_names{{{TlsLevel::none, "none"},
                                                                            {TlsLevel::may, "may"},
                                                                            {TlsLevel::encrypt, "encrypt"},
                                                                            {TlsLevel::verify, "verify"},
                                                                            {TlsLevel::secure, "secure"},
                                                                            {TlsLevel::dane, "dane"}}};

/// The key of an entry as find() looks for it; empty for text that is no domain.
std::string table_key(std::string_view word)
{
    if (word.starts_with('[') && word.ends_with(']') && word.size() > 2)
        return to_lower(word);
    const std::string dot = word.starts_with('.') ? "." : "";
    const auto domain = mail::normal_domain(word.substr(dot.size()));
    return domain.empty() ? domain : dot + domain;
}

} // namespace

std::string_view level_name(TlsLevel level)
{
    return std::ranges::find(level_names, level, &std::pair<TlsLevel, std::string_view>::first)->second;
}

std::optional<TlsLevel> parse_level(std::string_view name)
{
    for (const auto& [level, text] : level_names)
        if (text == name)
            return level;
    return {};
}

std::string TlsPolicy::text() const
{
    return std::string(level_name(level)) + " (" + reason + ")";
}

TlsPolicy with_wish(TlsPolicy policy, TlsWish wish)
{
    if (wish == TlsWish::required && policy.level < TlsLevel::verify) {
        policy.level = TlsLevel::verify;
        policy.reason = "REQUIRETLS";
    } else if (wish == TlsWish::optional && !policy.local &&
               (policy.level > TlsLevel::may || policy.refusal.code != 0)) {
        policy.reason = "TLS-Required: No, instead of " + policy.text();
        policy.level = TlsLevel::may;
        policy.tlsa.clear();
        policy.refusal = {};
    }
    return policy;
}

Result<TlsTable> TlsTable::parse(std::string_view text, const std::string& name)
{
    TlsTable table;
    std::size_t number = 0;
    for (auto line : split(text, '\n')) {
        const std::string place = name + ":" + std::to_string(++number);
        line = trim(line.substr(0, line.find('#')));
        if (line.empty())
            continue;
        const auto words = split_blanks(line);
        const auto level = words.size() == 2 ? parse_level(words[1]) : std::nullopt;
        const auto key = table_key(words[0]);
        if (!level || key.empty())
            return fail(Status::config, place + ": a line is a domain and a level, not " + printable(line, 100),
                        "example.org verify, .example.org encrypt, [mail.example.org] none; levels are none, may, "
                        "encrypt, verify, secure, dane");
        if (!table.entries_.try_emplace(key, Entry{*level, place}).second)
            return fail(Status::config, place + ": " + key + " has a level already");
    }
    return table;
}

Result<TlsTable> TlsTable::read(const std::string& path)
{
    auto text = read_file(path, 16U << 20);
    if (!text)
        return pass(text);
    return parse(*text, path);
}

const TlsTable::Entry* TlsTable::find(const std::string& domain, bool in_brackets) const
{
    if (in_brackets)
        if (const auto found = entries_.find("[" + domain + "]"); found != entries_.end())
            return &found->second;
    if (const auto found = entries_.find(domain); found != entries_.end())
        return &found->second;
    for (auto dot = domain.find('.'); dot != std::string::npos; dot = domain.find('.', dot + 1))
        if (const auto found = entries_.find(domain.substr(dot)); found != entries_.end())
            return &found->second;
    return nullptr;
}

} // namespace mgw::smtp
