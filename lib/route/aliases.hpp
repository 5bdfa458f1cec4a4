#pragma once

#include "lib/core/result.hpp"
#include "lib/lists/address_key.hpp"
#include "lib/lists/map_file.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mgw::route
{

/// One address that an alias stands for.
struct AliasTarget {
    std::string address;   ///< "@domain": the same user in another domain
    bool is_final = false; ///< written as \name: no further look-up
};

/// One entry of an alias table.
struct Alias {
    std::vector<AliasTarget> targets;
    std::string at;          ///< "aliases:12"
    bool propagates = false; ///< an extension that the key does not have goes to the results (the form of virtual(5))
};

/// What a look-up found.
struct AliasMatch {
    const Alias* alias = nullptr; ///< nullptr for none
    std::string extension;        ///< to be added to the results
    bool is_catch_all = false;    ///< by its "@domain" key
};

/// Alias tables in the text form of Postfix's aliases(5) and virtual(5), several as one; of equal keys the first
/// counts.
class Aliases {
public:
    /// Adds a table. `:include:/file` is read here. Status::config with file and line for a target that is no address:
    /// commands and files are no addresses.
    Result<void> add(const lists::MapFile& map);

    /// Looks an address up in virtual(5)'s order: user+extension@domain, user@domain, and, where `is_local`,
    /// user+extension and user; then @domain.
    AliasMatch find(const lists::AddressKey& key, bool is_local) const;

    bool empty() const { return entries_.empty(); }
    std::size_t size() const { return entries_.size(); }
    /// The first entry whose key has no '@': such keys are for local domains only. Empty if there is none.
    const std::string& bare_key_at() const { return bare_key_at_; }
    /// Entries that never count because an earlier one has the same key: "aliases:9: bob is already at aliases:3".
    const std::vector<std::string>& duplicates() const { return duplicates_; }
    /// SHA-256 of included files, in hex, in the order of reading.
    const std::vector<std::string>& include_hashes() const { return include_hashes_; }

private:
    const Alias* look_up(const std::string& key) const;

    std::unordered_map<std::string, Alias> entries_;
    std::string bare_key_at_;
    std::vector<std::string> duplicates_;
    std::vector<std::string> include_hashes_;
};

/// Targets of an alias: separated by commas or blanks outside quotes, each with or without angle brackets.
/// Status::config, `at` in front, for what is no address.
Result<std::vector<AliasTarget>> parse_targets(std::string_view value, std::string_view at);

/// `address` with `extension` ("+lists") at the end of its local part.
std::string with_extension(std::string_view address, std::string_view extension);

} // namespace mgw::route
