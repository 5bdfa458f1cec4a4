// The policy compiler on any octets.
#include "lib/filter/compiler.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto compiled = mgw::filter::compile({reinterpret_cast<const char*>(data), size}, {}); // NOLINT
    if (compiled.program.has_value() != compiled.problems.empty())
        __builtin_trap();
    return 0;
}
