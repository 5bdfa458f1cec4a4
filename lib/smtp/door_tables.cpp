#include "lib/smtp/door_tables.hpp"

#include "lib/core/text.hpp"
#include "lib/lists/address_key.hpp"
#include "lib/lists/map_file.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace mgw::smtp
{

Result<AddressTable> AddressTable::read(const std::string& path, bool with_values)
{
    auto file = lists::read_map(path, with_values ? lists::MapForm::transport : lists::MapForm::users);
    if (!file)
        return pass(file);
    AddressTable out;
    for (auto& entry : file->entries) {
        const auto domain = lists::domain_of(entry.key);
        if (!domain.empty())
            out.domains_.emplace(domain);
        if (!out.entries_.emplace(entry.key, std::move(entry.value)).second)
            return lists::map_error(file->name, entry.line, "this address stands above already");
    }
    return out;
}

std::optional<std::string> AddressTable::find(std::string_view address) const
{
    const auto key = lists::address_key(address, "+");
    const auto at = "@" + key.domain;
    std::vector<std::string> names;
    if (!key.domain.empty())
        names = {key.local() + at, key.user + at, at};
    names.push_back(key.local());
    names.push_back(key.user);
    for (const auto& name : names)
        if (const auto found = entries_.find(name); found != entries_.end())
            return found->second;
    return std::nullopt;
}

bool AddressTable::has_domain(std::string_view domain) const
{
    return domains_.contains(to_lower(domain));
}

Result<std::shared_ptr<const DoorTables>> DoorTables::read(const DoorPlan& plan,
                                                           std::shared_ptr<lists::DnsblHealth> health)
{
    auto out = std::make_shared<DoorTables>();
    auto networks = lists::CidrTable::read(plan.networks);
    if (!networks)
        return pass(networks);
    out->networks = std::move(*networks);
    std::string lines;
    for (const auto& line : plan.dnsbl)
        lines += line + "\n";
    auto lists = lists::parse_dnsbl_lists(lines, "--dnsbl");
    if (!lists)
        return pass(lists);
    if (!plan.dnsbl_file.empty()) {
        auto more = lists::read_dnsbl_lists(plan.dnsbl_file);
        if (!more)
            return pass(more);
        for (const auto& list : *more)
            if (std::ranges::find(*lists, list.name, &lists::DnsblList::name) != lists->end())
                return fail(Status::config, plan.dnsbl_file + ": the list " + list.name + " is in --dnsbl, too");
        std::ranges::move(*more, std::back_inserter(*lists));
    }
    out->dnsbl = lists::Dnsbl(std::move(*lists), std::move(health));
    for (const auto& [path, values, into] :
         {std::tuple{&plan.recipients, false, &out->recipients}, std::tuple{&plan.classes, true, &out->classes}}) {
        if (path->empty())
            continue;
        auto table = AddressTable::read(*path, values);
        if (!table)
            return pass(table);
        into->emplace(std::move(*table));
    }
    return std::shared_ptr<const DoorTables>(std::move(out));
}

} // namespace mgw::smtp
