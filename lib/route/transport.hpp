#pragma once

#include "lib/core/result.hpp"
#include "lib/lists/address_key.hpp"
#include "lib/route/destination.hpp"
#include "lib/lists/map_file.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace mgw::route
{

/// One entry of a transport table.
struct Transport {
    Destination destination;
    std::string at; ///< "transport:3"
};

/// Transport tables in the text form of Postfix's transport(5), several as one; of equal keys the first counts.
class Transports {
public:
    /// Adds a table. Status::config with file and line for a destination that is not known.
    Result<void> add(const lists::MapFile& map);

    /// Looks an address up in transport(5)'s order: user+extension@domain, user@domain, domain, .domain of each parent,
    /// *. nullptr for none.
    const Transport* find(const lists::AddressKey& key) const;

    bool empty() const { return entries_.empty(); }
    /// As Aliases::duplicates().
    const std::vector<std::string>& duplicates() const { return duplicates_; }

private:
    const Transport* look_up(const std::string& key) const;

    std::unordered_map<std::string, Transport> entries_;
    std::vector<std::string> duplicates_;
};

/// The users that exist in local domains: user, user@domain, or @domain for all of one, one a line, a value behind the
/// key does not matter (Postfix's relay_recipient_maps).
class Users {
public:
    void add(const lists::MapFile& map);
    /// Where the address is listed, with or without its extension: "users:7"; empty if it is not.
    std::string find(const lists::AddressKey& key) const;
    bool is_given() const { return given_; }

private:
    bool given_ = false;
    std::unordered_map<std::string, std::string> entries_;
};

} // namespace mgw::route
