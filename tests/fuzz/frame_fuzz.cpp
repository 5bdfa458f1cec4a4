#include "lib/mail/frame.hpp"

#include <cstdint>
#include <cstdlib>

namespace
{

/// What comes out of `octets` fed in pieces of `piece` octets; "!" at the end if the stream broke.
std::string read(std::string_view octets, std::size_t piece)
{
    mgw::mail::FrameReader reader;
    std::string out;
    while (!octets.empty()) {
        const auto some = octets.substr(0, piece);
        octets.remove_prefix(some.size());
        reader.feed(some);
        for (;;) {
            auto frame = reader.next();
            if (!frame)
                return out + "!";
            if (!*frame)
                break;
            out += mgw::mail::frame_octets(**frame);
        }
    }
    return out;
}

} // namespace

/// A stream of frames is read alike however it is cut; answers that are read can be written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const std::size_t piece = 1 + data[0];
    const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (read(octets, piece) != read(octets, octets.size() + 1))
        std::abort();
    if (const auto answer = mgw::mail::parse_answer(octets))
        (void)mgw::mail::answer_line(*answer);
    return 0;
}
