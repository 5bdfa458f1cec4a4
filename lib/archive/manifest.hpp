#pragma once

#include "lib/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::archive
{

/// A list of files: in an archive its packs, in a backup all that belongs to it.
struct Manifest {
    struct Entry {
        std::string path;
        std::uint64_t size = 0;
        std::string sha256; ///< hex; empty for a pack that still grows
    };
    std::vector<Entry> entries;

    const Entry* find(std::string_view path) const;
    /// Replaces the entry of that path, or adds it.
    void set(Entry entry);
    /// Lines "SHA256 SIZE PATH" ("-" for a pack that still grows) under a title, with a last line that tells the
    /// SHA-256 of all others.
    std::string text() const;
    /// Status::data when the text is not whole, or a path leads out of its folder.
    static Result<Manifest> parse(std::string_view text);
    static Result<Manifest> read(const std::string& path);
};

} // namespace mgw::archive
