// Packets between front and door: whatever the octets are, what is taken packs into the same octets again.
#include "lib/smtp/door_wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::smtp;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    if (const auto question = unpack_question(octets)) {
        const auto again = unpack_question(pack(question->number, question->value));
        if (!again || pack(again->number, again->value) != pack(question->number, question->value))
            __builtin_trap();
    }
    if (const auto answer = unpack_answer(octets)) {
        const auto again = unpack_answer(pack(answer->number, answer->value));
        if (!again || pack(again->number, again->value) != pack(answer->number, answer->value))
            __builtin_trap();
    }
    return 0;
}
