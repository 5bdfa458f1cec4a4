#include "tests/peers/peer_part.hpp"

#include "lib/core/limits.hpp"
#include "lib/mail/message.hpp"
#include "lib/mail/parts.hpp"
#include "lib/mail/readings.hpp"

#include <algorithm>

namespace mgw::peers
{

namespace
{

const Limits& wide()
{
    static const Limits limits = [] {
        Limits out;
        out.header_octets = out.field_octets = out.fields = out.parts = std::size_t{1} << 30;
        return out;
    }();
    return limits;
}

/// No stage looks at a "From " line that local(8) put first.
mail::Message message_of(std::string_view octets)
{
    return mail::Message(octets.substr(mail::from_line_octets(octets)), wide());
}

} // namespace

PeerParts read_mgw(std::string_view octets)
{
    const mail::Message message = message_of(octets);
    const mail::Parts tree(message, wide());
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

PeerParts other_readings(std::string_view octets)
{
    const mail::Message message = message_of(octets);
    const mail::Parts tree(message, wide());
    PeerParts out;
    mail::for_each_content(message, tree, wide(), [&](const mail::Content& content) {
        if (content.reading == mail::Reading::strict)
            return;
        PeerPart& one = out.emplace_back(PeerPart{0, content.type, {}, true, std::string(content.octets)});
        for (const auto& name : content.file_names)
            add_name(one, name);
    });
    return out;
}

} // namespace mgw::peers
