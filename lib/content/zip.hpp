#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::content
{

/// One member of a zip file (APPNOTE 6.3.10), as its directory, its local header, or both name it.
struct ZipEntry {
    std::string name; ///< UTF-8: by general purpose bit 11, or valid UTF-8, else code page 437 (appendix D)
    std::uint64_t packed_octets = 0;
    std::uint64_t octets = 0; ///< as declared: hostile
    std::size_t data = 0;     ///< offset of the packed octets; 0 when no local header was found
    std::uint16_t method = 0; ///< 0 stored, 8 deflated
    bool encrypted = false;
    bool in_directory = false; ///< the central directory names it
    bool in_local = false;     ///< a local header names it
};

struct ZipLimits {
    std::size_t entries = 10000;
    std::size_t name_octets = 1024;
};

struct ZipListing {
    std::vector<ZipEntry> entries;
    bool cut = false;          ///< there are more entries than the limit
    bool damaged = false;      ///< no directory, or one that does not fit
    bool names_differ = false; ///< directory and local headers disagree: two programs would see two archives
};

/// Offset of the end-of-central-directory record (section 4.3.16), nothing if there is none.
std::optional<std::size_t> find_zip_end(std::string_view octets);

/// Names of all members from the central directory and from the local headers: those that only one of them names are
/// listed as well. Reads no packed data. Linear in the size; every offset is checked.
ZipListing list_zip(std::string_view octets, const ZipLimits& limits = {});

/// The content of a member, at most `limit_octets`; nothing when it is encrypted, damaged, or packed by another method
/// than stored and deflated. `complete` says whether all of it came out within the limit.
std::optional<std::string> unzip(std::string_view octets, const ZipEntry& entry, std::size_t limit_octets,
                                 bool* complete = nullptr);

/// The content of a gzip file (RFC 1952), first member, at most `limit_octets`, and the name in its header.
struct Gunzipped {
    std::string name;
    std::string octets;
    bool complete = false;
};
std::optional<Gunzipped> gunzip(std::string_view octets, std::size_t limit_octets);

} // namespace mgw::content
