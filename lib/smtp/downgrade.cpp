#include "lib/smtp/downgrade.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/edits.hpp"
#include "lib/mail/encode_body.hpp"
#include "lib/mail/part_edits.hpp"
#include "lib/mail/parts.hpp"

namespace mgw::smtp
{

namespace
{

std::unexpected<Error> refuse(const std::string& why)
{
    return fail(Status::data, why);
}

std::string with_crlf(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out += '\r';
        out += text[i];
    }
    return out;
}

mail::EncodedBody encoded(const mail::Part& part)
{
    auto text = with_crlf(part.body);
    if (part.type.value.empty() || istarts_with(part.type.value, "text/"))
        return mail::encode_text(std::move(text));
    return {mail::base64_encode(text), "base64"};
}

bool is_locked(const std::vector<mail::Part>& all, std::size_t index)
{
    for (auto at = static_cast<int>(index); at >= 0; at = all[static_cast<std::size_t>(at)].parent) {
        const auto& part = all[static_cast<std::size_t>(at)];
        if (mail::is_sealed(part) || part.type.is("multipart/encrypted"))
            return true;
    }
    return false;
}

class Downgrade {
public:
    Downgrade(std::string_view octets, const Limits& limits) : message_(octets, limits), parts_(message_, limits) {}

    Result<std::string> run()
    {
        const auto& all = parts_.all();
        for (std::size_t i = 0; i < all.size(); ++i)
            if (auto done = all[i].is_multipart || all[i].is_message ? relabel(i) : convert(i); !done)
                return pass(done);
        if (all.front().is_multipart || all.front().is_message || edits_.empty() || message_.find("MIME-Version"))
            return apply();
        edits_.append_field(message_, "MIME-Version: 1.0");
        return apply();
    }

private:
    Result<std::string> apply()
    {
        auto out = edits_.apply(message_.octets());
        if (out && !is_ascii(*out))
            return refuse("8-bit text stands outside of all parts");
        return out;
    }

    /// A multipart or message says 8bit of what is inside (RFC 2045 section 6.4).
    Result<void> relabel(std::size_t index)
    {
        const auto& part = parts_.all()[index];
        if (!is_ascii(part.header))
            return refuse("the header has 8-bit text");
        const bool says_so = part.encoding_name == "8bit" || part.encoding_name == "binary";
        if (is_ascii(part.body) || !says_so)
            return {};
        if (is_locked(parts_.all(), index))
            return refuse("8-bit text is signed or encrypted");
        return set_fields(index, "7bit");
    }

    Result<void> convert(std::size_t index)
    {
        const auto& part = parts_.all()[index];
        if (!is_ascii(part.header))
            return refuse("the header has 8-bit text");
        if (is_ascii(part.body))
            return {};
        const auto name = "part " + part.path();
        if (is_locked(parts_.all(), index))
            return refuse("8-bit text is signed or encrypted: " + name);
        if (part.encoding != mail::Encoding::identity)
            return refuse(name + " has 8-bit text although it says " + printable_ascii(part.encoding_name, 40));
        if (istarts_with(part.type.value, "message/"))
            return refuse(name + " is a " + printable_ascii(part.type.value, 60) + ", which may not be encoded");
        const auto body = encoded(part);
        if (auto done = mail::PartEdits(message_, parts_, edits_).replace_body(index, body.octets); !done)
            return done;
        return set_fields(index, body.encoding);
    }

    Result<void> set_fields(std::size_t index, std::string_view encoding)
    {
        const auto& part = parts_.all()[index];
        const auto place = mail::place_of(message_.octets(), part);
        if (!place || part.header.data() == part.body.data())
            return refuse("part " + part.path() + " has no place for a field");
        const mail::Message header(part.header);
        const std::string field = "Content-Transfer-Encoding: " + std::string(encoding);
        std::string fields;
        bool replaced = false;
        for (const auto* old : header.find_all("Content-Transfer-Encoding")) {
            const bool first = !std::exchange(replaced, true);
            edits_.replace(place->begin + old->begin, old->end - old->begin,
                           first ? mail::field_lines(field, message_.line_end()) : std::string{});
        }
        if (!replaced)
            fields += mail::field_lines(field, message_.line_end());
        if (!part.is_multipart && !part.is_message && header.find("Content-Type") == nullptr) {
            const bool utf8 = is_valid_utf8(part.body);
            fields += mail::field_lines(std::string("Content-Type: text/plain; charset=") +
                                            (utf8 ? "utf-8" : "unknown-8bit"), // RFC 1428 section 3
                                        message_.line_end());
        }
        if (!fields.empty())
            edits_.insert(place->begin + header.header_end(), std::move(fields));
        return {};
    }

    mail::Message message_;
    mail::Parts parts_;
    mail::Edits edits_;
};

} // namespace

Result<std::string> to_seven_bit(std::string_view message, const Limits& limits)
{
    return Downgrade(message, limits).run();
}

} // namespace mgw::smtp
