#include "tests/peers/peer_part.hpp"

#include "lib/core/limits.hpp"
#include "lib/mail/message.hpp"
#include "lib/mail/parts.hpp"

#include <algorithm>

namespace mgw::peers
{

PeerParts read_mgw(std::string_view octets)
{
    Limits limits;
    limits.header_octets = limits.field_octets = limits.fields = limits.parts = std::size_t{1} << 30;
    // no stage looks at a "From " line that local(8) put first
    const mail::Message message(octets.substr(mail::from_line_octets(octets)), limits);
    const mail::Parts tree(message, limits);
    PeerParts out;
    for (const auto& part : tree.all()) {
        if (part.parent >= 0)
            out[static_cast<std::size_t>(part.parent)].is_leaf = false;
        PeerPart& one = out.emplace_back(PeerPart{part.depth, part.type.value, {}, true, {}});
        for (const auto& name : part.file_names)
            add_name(one, name);
        one.content = mail::decode(part, octets.size() * 2 + 1024);
    }
    return out;
}

} // namespace mgw::peers
