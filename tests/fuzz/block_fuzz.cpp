#include "lib/mail/block.hpp"

#include <cstdint>
#include <cstdlib>

/// A block that is read is written back the same; every accessor takes what it finds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::mail;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    if (const auto found = find_block(octets, 0); found && found->end > size)
        std::abort();
    auto block = Block::parse(octets);
    if (!block)
        return 0;
    const auto again = Block::parse(block->text());
    if (!again || again->text() != block->text())
        std::abort();
    (void)block->client();
    (void)block->from();
    (void)block->deadline();
    (void)block->strictest();
    for (const auto& tool : block->result_tools())
        (void)block->results(tool);
    for (const auto& r : block->final_recipients())
        (void)block->hop(r.number);
    for (const auto& v : block->verdicts())
        block->add_verdict(v);
    for (const auto& m : block->marks())
        block->add_mark(m);
    for (const auto& e : block->effects())
        block->add_effect(e);
    (void)block_tag("key", *block, octets);
    return 0;
}
