#pragma once

#include "lib/core/ip.hpp"
#include "lib/core/result.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::lists
{

/// What a file of networks says about its members.
enum class CidrKind : char { allow, deny };

struct CidrFile {
    std::string path;
    CidrKind kind = CidrKind::deny;
};

/// The entry that decided about an address.
struct CidrMatch {
    CidrKind kind = CidrKind::deny;
    std::string network; ///< "192.0.2.0/24"
    std::string at;      ///< "deny.txt:12"
    std::string reason;  ///< what the line says behind the network; may be empty
};

/// Networks of IPv4 (RFC 4632) and IPv6 (RFC 4291) from files. A line is
///     NETWORK [REASON…]      192.0.2.0/24 · 192.0.2.7 · 2001:db8::/32 · [2001:db8::]/32 · ::ffff:192.0.2.0/120
/// and '#' or ';' at the start of a word begins a comment. An address is a network of its own; IPv4 in IPv6 form is
/// IPv4. The entry with the longest prefix decides, whichever file it stands in; of equal networks `allow`, then the
/// first. So an allowed address may lie in a denied network, and a denied one in an allowed network.
///
/// A table does not change: to reload, read a new one and put it in the old one's place (a shared_ptr to const, where
/// threads share it). A million entries take 32 MB and are found in about 20 comparisons.
class CidrTable {
public:
    CidrTable() = default;

    /// Reads files, at most 255 of at most 256 MB each. Status::config with file and line for whatever is no such line:
    /// also where a bit is set behind the prefix, which is mostly a slip.
    static Result<CidrTable> read(const std::vector<CidrFile>& files);
    /// The same of one text; `name` stands for its file.
    static Result<CidrTable> parse(std::string_view text, std::string_view name, CidrKind kind);

    /// The entry that decides about `address`, or nothing where none has it. ::/0 has IPv6 addresses only.
    std::optional<CidrMatch> find(const IpAddress& address) const;
    /// The same for text; nothing for what is no address.
    std::optional<CidrMatch> find(std::string_view address) const;

    std::size_t size() const { return entries_.size(); }
    /// SHA-256 of each file, in hex, in the order of reading: for records.
    const std::vector<std::string>& hashes() const { return hashes_; }

private:
    /// 128 bits as a number; IPv4 stands in ::ffff:0:0/96.
    struct Bits {
        std::uint64_t high = 0;
        std::uint64_t low = 0;
        auto operator<=>(const Bits&) const = default;
    };
    struct Entry {
        Bits first;
        std::uint32_t line = 0;
        std::uint32_t above = 0;  ///< index + 1 of the smallest network that has this one; 0 for none
        std::uint32_t reason = 0; ///< index + 1 into reasons_; 0 for none
        std::uint8_t prefix = 0;  ///< of 128
        std::uint8_t file = 0;
    };

    static Bits bits_of(const IpAddress& address);
    static bool has(const Entry& entry, const Bits& address);
    Result<void> add(std::string_view text, std::string_view name, CidrKind kind);
    void sort();

    std::vector<Entry> entries_; ///< by first address; of equal ones the wider network first
    std::vector<std::string> reasons_;
    std::vector<CidrFile> files_;
    std::vector<std::string> hashes_;
};

} // namespace mgw::lists
