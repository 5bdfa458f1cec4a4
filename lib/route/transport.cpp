#include "lib/route/transport.hpp"

#include "lib/core/text.hpp"

namespace mgw::route
{

Result<void> Transports::add(const lists::MapFile& map)
{
    for (const auto& entry : map.entries) {
        auto destination = parse_destination(entry.value);
        if (!destination) {
            destination.error().message.insert(0, map.at(entry) + ": ");
            return pass(destination);
        }
        const auto [place, is_new] = entries_.try_emplace(entry.key, Transport{std::move(*destination), map.at(entry)});
        if (!is_new)
            duplicates_.push_back(map.at(entry) + ": " + printable(entry.key, 80) + " is already at " +
                                  place->second.at + ", which counts");
    }
    return {};
}

const Transport* Transports::look_up(const std::string& key) const
{
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
}

const Transport* Transports::find(const lists::AddressKey& key) const
{
    if (entries_.empty())
        return nullptr;
    const std::string at_domain = key.domain.empty() ? std::string{} : "@" + key.domain;
    if (const auto* found = look_up(key.local() + at_domain))
        return found;
    if (!key.extension.empty())
        if (const auto* found = look_up(key.user + at_domain))
            return found;
    if (!key.domain.empty()) {
        if (const auto* found = look_up(key.domain))
            return found;
        for (auto dot = key.domain.find('.'); dot != std::string::npos; dot = key.domain.find('.', dot + 1))
            if (const auto* found = look_up(key.domain.substr(dot)))
                return found;
    }
    return look_up("*");
}

void Users::add(const lists::MapFile& map)
{
    given_ = true;
    for (const auto& entry : map.entries)
        entries_.try_emplace(entry.key, map.at(entry));
}

std::string Users::find(const lists::AddressKey& key) const
{
    const std::string at_domain = "@" + key.domain;
    for (const auto& name : {key.local() + at_domain, key.user + at_domain, key.local(), key.user, at_domain})
        if (const auto found = entries_.find(name); found != entries_.end())
            return found->second;
    return {};
}

} // namespace mgw::route
