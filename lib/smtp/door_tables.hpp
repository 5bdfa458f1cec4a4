#pragma once

#include "lib/core/result.hpp"
#include "lib/lists/cidr.hpp"
#include "lib/lists/dnsbl.hpp"
#include "lib/smtp/door_plan.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace mgw::smtp
{

/// Addresses with values, from a file in Postfix's text form (lists::MapFile): `user@example.org`, `@example.org` for a
/// whole domain, `user` for every domain.
class AddressTable {
public:
    /// Status::config with file and line.
    static Result<AddressTable> read(const std::string& path, bool with_values);

    /// The value of the entry that is most like the address: with its extension (`+`), without it, its domain, its
    /// local part. Nothing where there is none.
    std::optional<std::string> find(std::string_view address) const;
    /// Whether an entry names this domain.
    bool has_domain(std::string_view domain) const;

private:
    std::unordered_map<std::string, std::string> entries_;
    std::unordered_set<std::string> domains_;
};

/// The lists of a plan as they were read. They do not change: to reload, read new ones.
struct DoorTables {
    lists::CidrTable networks;
    lists::Dnsbl dnsbl{{}};
    std::optional<AddressTable> recipients;
    std::optional<AddressTable> classes;

    /// Status::config with file and line for whatever is wrong. `health` is what is known of the DNS lists.
    static Result<std::shared_ptr<const DoorTables>> read(const DoorPlan& plan,
                                                          std::shared_ptr<lists::DnsblHealth> health);
};

} // namespace mgw::smtp
