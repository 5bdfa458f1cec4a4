#include "lib/mail/frame.hpp"
#include "lib/smtp/server_stamp.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mgw;

namespace
{

/// What a session makes of `octets`, fed in pieces of `step`: all that must not depend on where a read ends. `kind` has
/// a bit for each way to configure it.
std::string outcome(std::string_view octets, std::size_t step, unsigned kind)
{
    smtp::ServerConfig config;
    config.offer_tls = true;
    config.offer_auth = true;
    config.submission = (kind & 12U) == 12U;
    config.make_nonce = [] { return std::string("nonce"); };
    config.data = {4096, 998, (kind & 1U) != 0};
    config.lmtp = (kind & 2U) != 0;
    config.strict = (kind & 4U) != 0;
    config.messages = (kind & 8U) != 0 ? 2 : 0;
    config.recipients = 5;
    config.domains = {"b\xc3\xbc"
                      "cher.example",
                      "example.org"};
    if (config.strict)
        config.domains.clear();
    config.make_id = [] { return std::string("01JDF3M1S8W7Q2E5T9XK4V6B0C"); };
    smtp::SpoolBudget budget{1U << 20, 0};
    smtp::ServerSession session(config, budget);
    if ((kind & 4U) != 0)
        session.allow_xclient();
    std::string out;
    bool open = true;
    while (open && !octets.empty()) {
        auto piece = octets.substr(0, step);
        octets.remove_prefix(piece.size());
        for (bool more = true; open && more;) {
            switch (session.feed(piece)) {
            case smtp::ServerEvent::none:
                if (!piece.empty())
                    std::abort(); // octets that nobody takes would be asked about for ever
                more = false;
                break;
            case smtp::ServerEvent::xclient:
                session.accept();
                break;
            case smtp::ServerEvent::hello:
                if (session.helo().starts_with('y'))
                    session.refuse({550, "5.7.1", "Not you"});
                else
                    session.accept();
                break;
            case smtp::ServerEvent::mail:
                session.accept();
                break;
            case smtp::ServerEvent::recipient:
                if (session.envelope().to.back().path.starts_with('x'))
                    session.refuse({550, "5.1.1", "No such user"});
                else
                    session.accept();
                break;
            case smtp::ServerEvent::data:
                if (session.announced_octets() % 8 == 7)
                    session.refuse({452, "4.3.1", "Out of memory"});
                else
                    session.accept();
                break;
            case smtp::ServerEvent::message: {
                const auto& envelope = session.envelope();
                if (session.fault() != smtp::DataFault::none) {
                    if (session.message().size() > 0)
                        std::abort(); // what is refused is not kept
                    const auto refusal = smtp::data_refusal(session.fault(), config.data);
                    session.finish(std::vector(config.lmtp ? envelope.to.size() : 1, refusal));
                    break;
                }
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
                    if (recipients[i].path != envelope.to[i].path ||
                        recipients[i].parameters != envelope.to[i].parameters)
                        std::abort();
                if (block.from_parameters() != envelope.from_parameters)
                    std::abort();
                const auto& message = (*read)->members.at(0).message;
                if (message.contains('\0'))
                    std::abort();
                out += message;
                session.finish(
                    std::vector(config.lmtp ? envelope.to.size() : 1, smtp::ServerReply{250, "2.0.0", "queued"}));
                break;
            }
            case smtp::ServerEvent::credentials:
                session.answer_credentials(
                    {.good = !session.question().secret.starts_with("wrong"), .iterations = 4096, .octets = "salt"});
                break;
            case smtp::ServerEvent::start_tls:
                return out + session.take_replies(); // what follows depends on the handshake
            case smtp::ServerEvent::close:
                open = false;
                break;
            }
        }
        out += session.take_replies();
        session.take_refusals();
    }
    if (open && budget.used_octets != session.message().size())
        std::abort(); // memory that nobody holds is counted for ever
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size)
{
    if (size == 0)
        return 0;
    const std::string_view text(reinterpret_cast<const char*>(octets) + 1, size - 1);
    const unsigned kind = octets[0] / 16U;
    const auto whole = outcome(text, text.size() + 1, kind);
    const auto cut = outcome(text, octets[0] % 16U + 1U, kind);
    // replies and messages come in another order when reads end elsewhere, but they are the same octets in number
    if (whole.size() != cut.size())
        std::abort();
    return 0;
}
