// Files of networks and tables: every text must end in a table or in an error with its line, and what was read must be
// found again.
#include "lib/core/text.hpp"
#include "lib/lists/address_key.hpp"
#include "lib/lists/cidr.hpp"
#include "lib/lists/map_file.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    using namespace mgw::lists;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto table = CidrTable::parse(text, "fuzz", CidrKind::deny);
    if (!table && !table.error().message.starts_with("fuzz:"))
        __builtin_trap();
    for (const auto line : split(text, '\n')) {
        const auto words = split_blanks(trim(line));
        if (words.empty())
            continue;
        const auto word = words[0].substr(0, words[0].rfind('/'));
        const auto match = table ? table->find(word) : std::nullopt;
        // the first address of a network that was read is in it
        if (table && parse_ip(word) && line.find_first_of("#;") == std::string_view::npos && !match)
            __builtin_trap();
        if (match && (!match->at.starts_with("fuzz:") || match->network.empty()))
            __builtin_trap();
    }
    for (const auto form : {MapForm::aliases, MapForm::transport, MapForm::users}) {
        const auto map = parse_map(text, "fuzz", form);
        if (!map && !map.error().message.starts_with("fuzz:"))
            __builtin_trap();
    }
    const auto key = address_key(text, "+-");
    if (key.user.size() + key.extension.size() + key.domain.size() > text.size())
        __builtin_trap();
    if (is_address(text) && text.size() > 320)
        __builtin_trap();
    return 0;
}
