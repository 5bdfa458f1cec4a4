#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::content
{

/// A file inside an archive.
struct Member {
    std::string name; ///< UTF-8, as the archive says; inside a nested archive "outer.zip/inner.exe"
    std::string_view
        type; ///< true type by its first octets; empty where they cannot be had (encrypted, unknown packing)
    std::uint64_t octets = 0; ///< declared size: hostile
    bool encrypted = false;
};

struct ArchiveLimits {
    std::size_t entries = 10000;             ///< of all levels together
    std::size_t depth = 8;                   ///< archives in archives
    std::size_t ratio = 200;                 ///< unpacked octets by packed octets
    std::size_t unpacked_octets = 64U << 20; ///< what may be unpacked to look inside, all levels together
};

/// What is inside an archive, with all levels in one list, and what is odd about it.
struct Contents {
    std::vector<Member> members;
    bool cut = false; ///< more entries, or more octets to look at, than the limits admit
    bool too_deep = false;
    bool ratio_exceeded = false;
    bool encrypted = false;    ///< at least one member
    bool names_differ = false; ///< directory and local headers of a zip file disagree
    bool damaged = false;
    bool opaque = false; ///< an archive of a kind whose members cannot be named here is inside (or is it itself)
};

/// Names and true types of everything inside `octets`, whose true type is `type`. Zip (and what is built on it),
/// gzip and TNEF are looked into. No recursion; time and memory are bounded by the limits.
Contents list_members(std::string_view octets, std::string_view type, const ArchiveLimits& limits = {});

} // namespace mgw::content
