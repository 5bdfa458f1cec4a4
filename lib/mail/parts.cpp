#include "lib/mail/parts.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

#include <algorithm>
#include <cstring>

namespace mgw::mail
{

namespace
{

/// A slice of octets that may be a whole message or a part, waiting to be read.
struct Pending {
    std::string_view octets;
    int parent = -1;
    std::size_t number = 1;
    bool is_digest_member = false;
};

/// One delimiter line found in a multipart body.
struct Delimiter {
    std::size_t line_begin; ///< the line end before it belongs to it (RFC 2046 section 5.1.1)
    std::size_t next;       ///< first octet after its line
    bool closes;
};

/// Delimiter lines of `boundary`: anchored at a line's start, matched exactly, blanks after it allowed.
std::vector<Delimiter> find_delimiters(std::string_view body, std::string_view boundary, std::size_t limit)
{
    std::vector<Delimiter> out;
    std::size_t at = 0;
    while (at < body.size() && out.size() <= limit) {
        if (body.substr(at, 2) == "--" && body.substr(at + 2).starts_with(boundary)) {
            std::size_t i = at + 2 + boundary.size();
            const bool closes = body.substr(i, 2) == "--";
            if (closes)
                i += 2;
            while (i < body.size() && is_blank(body[i]))
                ++i;
            if (i < body.size() && body[i] == '\r')
                ++i;
            if (i >= body.size() || body[i] == '\n') {
                std::size_t begin = at;
                if (begin > 0 && body[begin - 1] == '\n')
                    --begin;
                if (begin > 0 && begin < at && body[begin - 1] == '\r')
                    --begin;
                out.push_back(Delimiter{begin, std::min(i + 1, body.size()), closes});
                if (closes)
                    return out;
            }
        }
        const void* lf = std::memchr(body.data() + at, '\n', body.size() - at);
        if (lf == nullptr)
            break;
        at = static_cast<std::size_t>(static_cast<const char*>(lf) - body.data()) + 1;
    }
    return out;
}

Encoding parse_encoding(std::string_view name)
{
    if (name.empty() || name == "7bit" || name == "8bit" || name == "binary")
        return Encoding::identity;
    if (name == "base64")
        return Encoding::base64;
    if (name == "quoted-printable")
        return Encoding::quoted_printable;
    if (name == "x-uuencode" || name == "uuencode" || name == "x-uue")
        return Encoding::uuencode;
    return Encoding::unknown;
}

bool has_eight_bit(std::string_view octets)
{
    constexpr std::size_t block = 64; // of a fixed size: for vector instructions
    unsigned char seen = 0;
    std::size_t at = 0;
    for (; at + block <= octets.size(); at += block)
        for (std::size_t i = 0; i < block; ++i)
            seen |= static_cast<unsigned char>(octets[at + i]);
    for (; at < octets.size(); ++at)
        seen |= static_cast<unsigned char>(octets[at]);
    return seen > 127;
}

} // namespace

Parts::Parts(const Message& message, const Limits& limits) : oddities_(message.all_oddities())
{
    std::size_t decoded_octets = 0;
    // members still to read, the next one last: parts come out in order of appearance without recursion
    std::vector<Pending> pending{Pending{message.octets()}};
    while (!pending.empty()) {
        const Pending job = pending.back();
        pending.pop_back();
        if (parts_.size() >= limits.parts) {
            oddities_ |= Oddity::too_many_parts;
            return;
        }
        const Message inner(job.octets, limits);
        // a part may begin with an empty line (no header); only a header that breaks off is odd
        oddities_ |= inner.oddities();
        Part part;
        part.parent = job.parent;
        const Part* parent = job.parent >= 0 ? &parts_[static_cast<std::size_t>(job.parent)] : nullptr;
        part.depth = parent != nullptr ? parent->depth + 1 : 0;
        part.path = parent == nullptr ? "1" : parent->path + "." + std::to_string(job.number);
        part.header = inner.header();
        part.body = inner.body();
        if (has_eight_bit(part.header))
            oddities_ |= Oddity::eight_bit_header;

        const auto types = inner.find_all("Content-Type");
        if (types.size() > 1)
            oddities_ |= Oddity::duplicate_content_type;
        if (!types.empty())
            part.type = parse_content_type(inner.value(*types[0]));
        if (part.type.value.empty() || !part.type.value.contains('/'))
            part.type.value = job.is_digest_member && types.empty() ? "message/rfc822" : "text/plain";
        const auto encodings = inner.find_all("Content-Transfer-Encoding");
        if (encodings.size() > 1)
            oddities_ |= Oddity::duplicate_encoding;
        if (!encodings.empty()) {
            part.encoding_name = parse_content_type(inner.value(*encodings[0])).value;
            part.encoding = parse_encoding(part.encoding_name);
            if (part.encoding == Encoding::unknown)
                oddities_ |= Oddity::unknown_encoding;
        }
        const auto add_name = [&](const std::optional<std::string>& name) {
            if (name && !name->empty() && std::ranges::find(part.file_names, *name) == part.file_names.end())
                part.file_names.push_back(*name);
        };
        for (const Field* f : inner.find_all("Content-Disposition")) {
            const auto disposition = parse_content_type(inner.value(*f));
            if (part.disposition.empty())
                part.disposition = disposition.value;
            for (const auto& [name, value] : disposition.parameters)
                if (name == "filename")
                    add_name(value);
        }
        const auto add_names = [&](const ContentType& type) {
            for (const auto& [name, value] : type.parameters)
                if (name == "name")
                    add_name(value);
        };
        if (!types.empty()) // part.type has the parameters of the first one
            add_names(part.type);
        for (std::size_t i = 1; i < types.size(); ++i)
            add_names(parse_content_type(inner.value(*types[i])));
        part.content_id = inner.value_of("Content-ID").value_or("");
        part.is_multipart = part.type.major() == "multipart";
        part.is_message = part.type.is("message/rfc822") || part.type.is("message/global");

        const int self = static_cast<int>(parts_.size());
        const std::size_t depth = part.depth;
        const std::string_view body = part.body;
        const bool is_digest = part.type.is("multipart/digest");
        const bool encoded = part.encoding != Encoding::identity;
        const auto boundary = part.type.parameter("boundary");
        const bool is_multipart = part.is_multipart;
        const bool is_message = part.is_message;
        parts_.push_back(std::move(part));
        if (!is_multipart && !is_message)
            continue;
        if (encoded)
            oddities_ |= Oddity::encoded_multipart;
        if (depth + 1 >= limits.nesting) {
            oddities_ |= Oddity::too_deep;
            continue;
        }
        std::string_view content = body;
        if (encoded) { // forbidden (RFC 2045 section 6.4), but some programs decode and go on
            const std::size_t room = limits.decoded_factor * message.octets().size();
            if (decoded_octets >= room)
                continue;
            decoded_.push_back(std::make_unique<std::string>(decode(parts_.back(), room - decoded_octets)));
            content = *decoded_.back();
            decoded_octets += content.size();
        }
        if (is_message) {
            pending.push_back(Pending{content, self});
            continue;
        }
        if (!boundary || boundary->empty()) {
            oddities_ |= Oddity::no_boundary;
            continue;
        }
        const auto delimiters = find_delimiters(content, *boundary, limits.parts);
        if (delimiters.empty() || !delimiters.back().closes)
            oddities_ |= Oddity::unclosed_multipart;
        std::vector<Pending> members;
        for (std::size_t i = 0; i < delimiters.size() && !delimiters[i].closes; ++i) {
            const std::size_t begin = delimiters[i].next;
            const std::size_t end =
                i + 1 < delimiters.size() ? std::max(delimiters[i + 1].line_begin, begin) : content.size();
            members.push_back(Pending{content.substr(begin, end - begin), self, i + 1, is_digest});
        }
        pending.insert(pending.end(), members.rbegin(), members.rend());
    }
}

std::string decode(const Part& part, std::size_t limit_octets, bool* complete)
{
    bool damaged = false;
    std::string out;
    switch (part.encoding) {
    case Encoding::base64:
        out = base64_decode(part.body, limit_octets, &damaged);
        break;
    case Encoding::quoted_printable:
        out = qp_decode(part.body, limit_octets, &damaged);
        break;
    case Encoding::uuencode:
        out = uu_decode(part.body, limit_octets, &damaged);
        break;
    case Encoding::identity:
    case Encoding::unknown:
        out = part.body.substr(0, limit_octets);
        damaged = part.body.size() > limit_octets;
        break;
    }
    if (complete != nullptr)
        *complete = !damaged;
    return out;
}

} // namespace mgw::mail
