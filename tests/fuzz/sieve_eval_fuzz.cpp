// A script, a NUL, a message: compiled and decided for two recipients.
#include "lib/filter/compiler.hpp"
#include "lib/filter/decide.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char*>(data), size); // NOLINT
    const auto cut = input.find('\0');
    if (cut == std::string_view::npos)
        return 0;
    const auto compiled = mgw::filter::compile(input.substr(0, cut), {});
    if (!compiled.program)
        return 0;
    mgw::mail::Block block;
    block.set_from("a@example.net");
    block.add_recipient("1", "b@example.org");
    block.add_recipient("2", "c@example.org");
    mgw::filter::RunLimits limits;
    limits.steps = 100'000;
    const auto before = block.lines();
    const auto decision = mgw::filter::decide(*compiled.program, input.substr(cut + 1), block, {}, limits, true);
    if (!decision && block.lines() != before)
        __builtin_trap();
    return 0;
}
