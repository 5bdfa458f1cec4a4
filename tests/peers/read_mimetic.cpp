#include "tests/peers/peer_part.hpp"

#include "lib/core/text.hpp"

#include <cassert> // mimetic uses assert without it
#include <iterator>
#include <mimetic/mimetic.h>
#include <sstream>

namespace mgw::peers
{

namespace
{

std::string decoded(const mimetic::MimeEntity& entity)
{
    const std::string& body = entity.body();
    const auto& mechanism = entity.header().contentTransferEncoding().mechanism();
    std::string out;
    if (mechanism == "base64") {
        mimetic::Base64::Decoder decoder;
        mimetic::decode(body.begin(), body.end(), decoder, std::back_inserter(out));
    } else if (mechanism == "quoted-printable") {
        mimetic::QP::Decoder decoder;
        mimetic::decode(body.begin(), body.end(), decoder, std::back_inserter(out));
    } else {
        out = body;
    }
    return out;
}

struct Pending {
    const mimetic::MimeEntity* entity;
    std::size_t depth;
};

} // namespace

PeerParts read_mimetic(std::string_view octets, bool stream)
{
    mimetic::MimeEntity message;
    if (stream) {
        std::istringstream in{std::string(octets)};
        message.load(in);
    } else {
        message.load(octets.begin(), octets.end());
    }
    PeerParts out;
    std::vector<Pending> pending{{&message, 0}};
    while (!pending.empty()) {
        const auto [entity, depth] = pending.back();
        pending.pop_back();
        const auto& header = entity->header();
        PeerPart part{depth, "text/plain", {}, false, {}};
        if (header.hasField("Content-Type"))
            part.type = to_lower(header.contentType().type() + "/" + header.contentType().subtype());
        add_name(part, header.contentDisposition().param("filename"));
        add_name(part, header.contentType().param("name"));
        const auto& inner = entity->body().parts();
        for (auto it = inner.rbegin(); it != inner.rend(); ++it)
            pending.push_back({*it, depth + 1});
        part.is_leaf = inner.empty();
        if (part.is_leaf)
            part.content = decoded(*entity);
        out.push_back(std::move(part));
    }
    return out;
}

} // namespace mgw::peers
