#include "lib/mail/codec.hpp"
#include "lib/mail/decoder.hpp"
#include "lib/mail/uuencode.hpp"
#include "lib/mail/yenc.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace
{

using namespace mgw::mail;

/// In pieces of `piece` octets; never more than the limit comes out.
template <class Decoder>
std::string decoded(Decoder& decoder, std::string_view text, std::size_t piece, std::size_t limit)
{
    std::string out;
    while (!text.empty()) {
        decoder.feed(text.substr(0, piece), out);
        text.remove_prefix(std::min(piece, text.size()));
    }
    decoder.finish(out);
    if (out.size() > limit)
        std::abort();
    return out;
}

/// However the text is cut, the same comes out; a limit cuts the end off and is told.
template <class Decoder> void check(std::string_view text, std::size_t piece, std::size_t limit)
{
    Decoder unlimited;
    const auto all = decoded(unlimited, text, no_limit, no_limit);
    Decoder whole(limit);
    const auto want = decoded(whole, text, no_limit, limit);
    Decoder cut(limit);
    const auto got = decoded(cut, text, piece, limit);
    if (got != want || cut.damaged() != whole.damaged() || want != all.substr(0, limit) ||
        (all.size() > limit && !whole.damaged()))
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2)
        return 0;
    const std::size_t limit = data[0];
    const std::size_t piece = data[1] % 100 + 1;
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    check<Base64Decoder>(text, piece, limit);
    check<QuotedPrintableDecoder>(text, piece, limit);
    check<UuDecoder>(text, piece, limit);
    check<YencDecoder>(text, piece, limit);
    for (auto* decode : {base64_decode, qp_decode, uu_decode, yenc_decode}) {
        bool damaged = false;
        const auto whole = decode(text, no_limit, nullptr);
        const auto cut = decode(text, limit, &damaged);
        if (cut != whole.substr(0, limit) || (whole.size() > limit && !damaged))
            std::abort();
    }
    bool damaged = false;
    if (base64_decode(base64_encode(text, limit), no_limit, &damaged) != text || damaged)
        std::abort();
    return 0;
}
