#include "lib/smtp/milter_edits.hpp"
#include "lib/smtp/milter_session.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace
{

using namespace mgw;

/// The frame that a pipeline which changes nothing would give back.
mail::Frame unchanged(const smtp::MilterMessage& message, std::string_view octets)
{
    mail::Block block;
    block.set_id("ID");
    block.set_from(message.envelope.from, message.envelope.from_parameters);
    std::size_t number = 0;
    for (const auto& to : message.envelope.to)
        block.add_recipient(std::to_string(++number), to.path, to.parameters);
    auto parsed = mail::Block::parse(block.text());
    if (!parsed || parsed->from() != message.envelope.from || parsed->recipients().size() != message.envelope.to.size())
        std::abort(); // something forged a line
    return {"ID", {{std::move(*parsed), std::string(octets)}}};
}

} // namespace

/// A mail server says anything in pieces of any size. What a pipeline does not change is not edited, and the fields are
/// where the session says they are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 1)
        return 0;
    const std::size_t step = data[0] + 1U;
    std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
    Limits limits;
    limits.message_octets = 4096;
    limits.recipients = 20;
    smtp::SpoolBudget budget;
    smtp::MilterSession session(limits, budget);
    while (!octets.empty()) {
        auto piece = octets.substr(0, step);
        octets.remove_prefix(piece.size());
        for (;;) {
            const auto event = session.feed(piece);
            if (event == smtp::MilterEvent::close)
                return 0;
            if (event == smtp::MilterEvent::none)
                break;
            auto message = session.take_message();
            const auto view = message.octets.view();
            if (!message.refusal) {
                std::size_t at = 0;
                for (const auto& field : message.fields) {
                    if (field.begin != at || view[field.begin + field.name_octets] != ':')
                        std::abort();
                    at = field.end;
                }
                if (view.substr(at, 2) != "\r\n" || at + 2 != message.body_begin || view.size() > limits.message_octets)
                    std::abort();
                const auto decision = smtp::decide(message, view, unchanged(message, view), 0, {});
                if (decision.packets != smtp::milter_packet(smtp::MilterAnswer::go_on))
                    std::abort();
            }
            session.finish({});
        }
        (void)session.take_output();
    }
    return 0;
}
