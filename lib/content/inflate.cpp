#include "lib/content/zip.hpp"

#include <algorithm>
#include <climits>

#include <zlib.h>

namespace mgw::content
{

namespace
{

constexpr int raw_deflate = -MAX_WBITS;
constexpr int gzip_header = MAX_WBITS + 16;

/// Inflates until the end, the limit or damage; nothing if not one octet could be had.
std::optional<std::string> inflate_octets(std::string_view packed, int window, std::size_t limit, bool& complete)
{
    complete = false;
    z_stream stream{};
    if (inflateInit2(&stream, window) != Z_OK)
        return std::nullopt;
    std::string out;
    // a mail's members are far below 4 GB; zlib counts in unsigned int
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(std::min<std::size_t>(packed.size(), UINT_MAX));
    int rc = Z_OK;
    while (rc == Z_OK && out.size() < limit) {
        const std::size_t had = out.size();
        const std::size_t room = std::min<std::size_t>(limit - had, std::max<std::size_t>(4096, had));
        out.resize(had + room);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
        stream.avail_out = static_cast<uInt>(room);
        rc = inflate(&stream, Z_NO_FLUSH);
        out.resize(had + room - stream.avail_out);
        if (rc == Z_OK && stream.avail_in == 0 && stream.avail_out != 0)
            break; // the packed octets end too early
    }
    inflateEnd(&stream);
    complete = rc == Z_STREAM_END;
    if (out.empty() && !complete)
        return std::nullopt;
    return out;
}

} // namespace

std::optional<std::string> unzip(std::string_view octets, const ZipEntry& entry, std::size_t limit_octets,
                                 bool* complete)
{
    bool whole = false;
    if (complete != nullptr)
        *complete = false;
    if (entry.encrypted || !entry.in_local || entry.data > octets.size())
        return std::nullopt;
    auto packed = octets.substr(entry.data);
    // sizes may stand behind the data only (bit 3); a deflated stream knows its end itself
    if (entry.packed_octets != 0 && entry.packed_octets < packed.size())
        packed = packed.substr(0, entry.packed_octets);
    if (entry.method == 0) {
        whole = packed.size() <= limit_octets;
        if (complete != nullptr)
            *complete = whole;
        return std::string(packed.substr(0, limit_octets));
    }
    if (entry.method != 8)
        return std::nullopt;
    auto out = inflate_octets(packed, raw_deflate, limit_octets, whole);
    if (complete != nullptr)
        *complete = whole;
    return out;
}

std::optional<Gunzipped> gunzip(std::string_view octets, std::size_t limit_octets)
{
    Gunzipped result;
    // RFC 1952 section 2.3.1: FLG at 3, FEXTRA 4, FNAME 8; the name follows the extra field
    if (octets.size() < 18)
        return std::nullopt;
    const auto flags = static_cast<unsigned char>(octets[3]);
    std::size_t at = 10;
    if ((flags & 4U) != 0)
        at += 2 + static_cast<unsigned char>(octets[10]) + 256U * static_cast<unsigned char>(octets[11]);
    if ((flags & 8U) != 0 && at < octets.size()) {
        const auto rest = octets.substr(at, 1024);
        result.name = std::string(rest.substr(0, rest.find('\0')));
    }
    auto out = inflate_octets(octets, gzip_header, limit_octets, result.complete);
    if (!out)
        return std::nullopt;
    result.octets = std::move(*out);
    return result;
}

} // namespace mgw::content
