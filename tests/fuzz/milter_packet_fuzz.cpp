#include "lib/smtp/milter_packet.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// A stream in two pieces: the packets are those of the whole, and each, written again, is what came.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::smtp;
    if (size < 1)
        return 0;
    const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t cut = octets.size() * data[0] / 255;
    MilterPackets packets;
    std::string again;
    for (auto piece : {octets.substr(0, cut), octets.substr(cut)})
        for (;;) {
            auto packet = packets.next(piece);
            if (!packet)
                return 0;
            if (!*packet)
                break;
            again += milter_packet(static_cast<MilterAnswer>((*packet)->command), (*packet)->data);
            if (const auto texts = milter_texts((*packet)->data)) {
                std::string joined;
                for (const auto text : *texts)
                    joined.append(text).push_back('\0');
                if (joined != (*packet)->data)
                    std::abort();
            }
        }
    if (octets.substr(0, again.size()) != again || packets.inside() != (again.size() < octets.size()))
        std::abort();
    return 0;
}
