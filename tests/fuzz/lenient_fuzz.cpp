#include "lib/mail/lenient_codec.hpp"
#include "lib/mail/lenient_header.hpp"

#include <cstdint>
#include <cstdlib>

/// The loose decoders and header readers on any octets: they keep their limits, and places lie within.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::mail;
    if (size == 0)
        return 0;
    const std::size_t limit = data[0];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    for (const auto& way : base64_ways(text))
        if (base64_decode_as(way, text, limit).size() > limit || base64_decode_as(way, text, size).size() > size)
            std::abort();
    for (auto way : qp_ways(text)) {
        way.line_ends_lf = limit % 2 != 0;
        if (qp_decode_as(way, text, limit).size() > limit)
            std::abort();
    }
    std::size_t sum = 0;
    for (const auto& block : embedded_blocks(text, limit, 10)) {
        sum += block.octets.size();
        if (block.begin > block.end || block.end > text.size())
            std::abort();
    }
    std::size_t files = 0;
    for (const auto& file : binhex_decode(text, limit))
        files += file.octets.size();
    if (files > limit)
        std::abort();
    std::size_t scripts = 0;
    for (const auto& block : script_blocks(text, limit, 10)) {
        scripts += block.octets.size();
        if (block.begin > block.end || block.end > text.size())
            std::abort();
    }
    if (scripts > limit)
        std::abort();
    if (sum > limit || uu_decode_lines(text, limit).size() > limit)
        std::abort();
    for (const auto run : base64_runs(text, 8, 10))
        if (run.data() < text.data() || run.data() + run.size() > text.data() + text.size())
            std::abort();
    const auto header = read_leniently(text, 4096);
    if (header.body_begins.empty() || header.text.size() > text.size())
        std::abort();
    for (const auto begin : header.body_begins)
        if (begin > text.size())
            std::abort();
    if (lenient_values(text, "name", 20).size() > 20)
        std::abort();
    (void)lenient_encodings(text);
    (void)lenient_type(text);
    return 0;
}
