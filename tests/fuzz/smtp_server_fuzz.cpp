#include "lib/mail/frame.hpp"
#include "lib/smtp/server_stamp.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mgw;

namespace
{

/// What a session makes of `octets`, fed in pieces of `step`: all that must not depend on where a read ends.
std::string outcome(std::string_view octets, std::size_t step)
{
    smtp::ServerConfig config;
    config.offer_tls = true;
    config.message_octets = 4096;
    config.recipients = 5;
    smtp::SpoolBudget budget{1U << 20, 0};
    smtp::ServerSession session(config, budget);
    std::string out;
    for (bool open = true; open && !octets.empty();) {
        auto piece = octets.substr(0, step);
        octets.remove_prefix(piece.size());
        while (open && !piece.empty()) {
            switch (session.feed(piece)) {
            case smtp::ServerEvent::none:
                if (!piece.empty())
                    std::abort(); // octets that nobody takes would be asked about for ever
                break;
            case smtp::ServerEvent::mail:
            case smtp::ServerEvent::recipient:
            case smtp::ServerEvent::data:
                session.accept();
                break;
            case smtp::ServerEvent::message: {
                const auto& envelope = session.envelope();
                smtp::Arrival arrival;
                arrival.id = "01JDF3M1S8W7Q2E5T9XK4V6B0C";
                arrival.hostname = "mx.example";
                arrival.client.ip = "192.0.2.7";
                arrival.client.helo = session.helo();
                arrival.client.proto = session.protocol();
                const auto frame = smtp::stamped_frame(arrival, envelope, std::move(session.message()));
                mail::FrameReader reader;
                reader.feed(frame.head);
                for (const auto part : frame.pieces)
                    reader.feed(part);
                reader.feed(frame.tail);
                const auto read = reader.next();
                if (!read || !*read)
                    std::abort(); // no client can break the frame
                const auto& block = (*read)->members.at(0).block;
                const auto recipients = block.recipients();
                if (block.from() != envelope.from || block.client().helo != session.helo() ||
                    !block.client().tls.empty() || recipients.size() != envelope.to.size())
                    std::abort(); // nor say more than it said
                for (std::size_t i = 0; i < recipients.size(); ++i)
                    if (recipients[i].path != envelope.to[i].path || !recipients[i].parameters.empty())
                        std::abort();
                out += (*read)->members.at(0).message;
                session.finish({{250, "2.0.0", "queued"}});
                break;
            }
            case smtp::ServerEvent::start_tls:
                return out + session.take_replies(); // what follows depends on the handshake
            case smtp::ServerEvent::close:
                open = false;
                break;
            }
        }
        out += session.take_replies();
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size)
{
    if (size == 0)
        return 0;
    const std::string_view text(reinterpret_cast<const char*>(octets) + 1, size - 1);
    const auto whole = outcome(text, text.size() + 1);
    const auto cut = outcome(text, octets[0] % 16U + 1U);
    // replies and messages come in another order when reads end elsewhere, but they are the same octets in number
    if (whole.size() != cut.size())
        std::abort();
    return 0;
}
