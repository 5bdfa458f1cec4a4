#include "lib/route/aliases.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"

namespace mgw::route
{

namespace
{

constexpr std::string_view include_prefix = ":include:";
constexpr std::size_t largest_include = 4U << 20;

/// Words between commas and blanks that stand outside quotes, angle brackets taken off.
std::vector<std::string_view> target_words(std::string_view value)
{
    std::vector<std::string_view> words;
    bool quoted = false;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= value.size(); ++i) {
        const char c = i < value.size() ? value[i] : ',';
        if (i < value.size() && c == '\\' && i + 1 < value.size() && (quoted || i > begin)) {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (i == value.size() || (!quoted && (c == ',' || is_blank(c)))) {
            if (i > begin)
                words.push_back(value.substr(begin, i - begin));
            begin = i + 1;
        }
    }
    for (auto& word : words)
        if (word.size() > 2 && word.front() == '<' && word.back() == '>')
            word = word.substr(1, word.size() - 2);
    return words;
}

Result<AliasTarget> parse_target(std::string_view word, std::string_view at)
{
    const std::string shown = "\"" + printable(word, 80) + "\"";
    const auto wrong = [&](const std::string& what, std::string hint) {
        return fail(Status::config, std::string(at) + ": " + shown + " " + what, std::move(hint));
    };
    if (word.starts_with('|') || word.starts_with("\"|"))
        return wrong("is a command", "give the address a transport (pipe:NAME) instead");
    if (word.starts_with('/') || word.starts_with("\"/"))
        return wrong("is a file", "give the address a transport (maildir:/path) instead");
    AliasTarget target;
    if (word.starts_with('\\')) {
        target.is_final = true;
        word.remove_prefix(1);
    }
    target.address = std::string(word);
    const bool is_right = word.starts_with('@') ? lists::is_domain(word.substr(1)) : lists::is_address(word);
    if (!is_right)
        return wrong("is not an address", "an alias stands for addresses, separated by commas");
    return target;
}

} // namespace

Result<std::vector<AliasTarget>> parse_targets(std::string_view value, std::string_view at)
{
    std::vector<AliasTarget> targets;
    for (const auto word : target_words(value)) {
        auto target = parse_target(word, at);
        if (!target)
            return pass(target);
        targets.push_back(std::move(*target));
    }
    if (targets.empty())
        return fail(Status::config, std::string(at) + ": the alias stands for no address");
    return targets;
}

namespace
{

/// The targets of an included file (aliases(5)): addresses in lines, with comments; no inclusion inside.
Result<std::vector<AliasTarget>> included_targets(std::string_view path, std::string_view at, std::string& hash)
{
    if (!path.starts_with('/'))
        return fail(Status::config, std::string(at) + ": an included file needs a path that begins with /");
    auto text = read_file(std::string(path), largest_include);
    if (!text)
        return fail(Status::config, std::string(at) + ": " + text.error().message);
    hash = hex(sha256(*text));
    std::vector<AliasTarget> targets;
    std::size_t number = 0;
    for (const auto line : split(*text, '\n')) {
        ++number;
        const auto content = trim(line);
        if (content.empty() || content.starts_with('#'))
            continue;
        auto some = parse_targets(content, std::string(path) + ":" + std::to_string(number));
        if (!some)
            return pass(some);
        targets.insert(targets.end(), std::make_move_iterator(some->begin()), std::make_move_iterator(some->end()));
    }
    return targets;
}

} // namespace

Result<void> Aliases::add(const lists::MapFile& map)
{
    entries_.reserve(entries_.size() + map.entries.size());
    for (const auto& entry : map.entries) {
        Alias alias;
        alias.at = map.at(entry);
        alias.propagates = !entry.colon;
        if (!entry.key.starts_with('@') && !entry.key.contains('@') && bare_key_at_.empty())
            bare_key_at_ = alias.at;
        std::string hash;
        auto targets =
            entry.value.starts_with(include_prefix)
                ? included_targets(trim(std::string_view(entry.value).substr(include_prefix.size())), alias.at, hash)
                : parse_targets(entry.value, alias.at);
        if (!targets)
            return pass(targets);
        if (!hash.empty())
            include_hashes_.push_back(hash);
        alias.targets = std::move(*targets);
        const auto [place, is_new] = entries_.try_emplace(entry.key, std::move(alias));
        if (!is_new)
            duplicates_.push_back(map.at(entry) + ": " + printable(entry.key, 80) + " is already at " +
                                  place->second.at + ", which counts");
    }
    return {};
}

const Alias* Aliases::look_up(const std::string& key) const
{
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
}

AliasMatch Aliases::find(const lists::AddressKey& key, bool is_local) const
{
    const bool has_extension = !key.extension.empty();
    const bool is_bare = key.domain.empty();
    const std::string at_domain = "@" + key.domain;
    if (!is_bare) {
        if (const auto* alias = look_up(key.local() + at_domain))
            return {alias, {}, false};
        if (has_extension)
            if (const auto* alias = look_up(key.user + at_domain))
                return {alias, alias->propagates ? key.extension : std::string{}, false};
    }
    if (is_local || is_bare) {
        if (const auto* alias = look_up(key.local()))
            return {alias, {}, false};
        if (has_extension)
            if (const auto* alias = look_up(key.user))
                return {alias, alias->propagates ? key.extension : std::string{}, false};
    }
    if (!is_bare)
        if (const auto* alias = look_up(at_domain))
            return {alias, {}, true};
    return {};
}

std::string with_extension(std::string_view address, std::string_view extension)
{
    const auto local = lists::local_of(address);
    std::string out(local);
    // inside the quotes of a quoted local part
    if (out.size() > 1 && out.ends_with('"'))
        out.insert(out.size() - 1, extension);
    else
        out += extension;
    return out.append(address.substr(local.size()));
}

} // namespace mgw::route
