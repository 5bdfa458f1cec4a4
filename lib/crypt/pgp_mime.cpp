#include "lib/crypt/pgp_mime.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/compose.hpp"
#include "lib/mail/parts.hpp"

#include <algorithm>

namespace mgw::crypt
{

namespace
{

constexpr std::string_view armor_begin = "-----BEGIN PGP MESSAGE-----";
constexpr std::string_view armor_end = "-----END PGP MESSAGE-----";

bool is_content_field(std::string_view name)
{
    return istarts_with(name, "Content-");
}

/// Every LF becomes CRLF, also behind a CR, so that from_crlf gives back the same octets.
std::string to_crlf(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    for (const char c : text) {
        if (c == '\n')
            out += '\r';
        out += c;
    }
    return out;
}

std::string from_crlf(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n')
            out += text[i];
    return out;
}

/// Decrypted text with the line ends of the message that it goes into.
std::string in_lines_of(const mail::Message& message, std::string_view text)
{
    const auto first = text.find('\n');
    const bool has_crlf = first != std::string_view::npos && first > 0 && text[first - 1] == '\r';
    if (message.line_end() == "\n")
        return from_crlf(text);
    return has_crlf || first == std::string_view::npos ? std::string(text) : to_crlf(text);
}

/// The octets of an armored block behind its header lines, decoded as far as `chars` characters go.
std::string armor_head(std::string_view armored, std::size_t chars)
{
    armored.remove_prefix(std::min(
        armored.size(), armored.find('\n') == std::string_view::npos ? armored.size() : armored.find('\n') + 1));
    // header lines end with an empty one
    while (!armored.empty()) {
        const auto end = armored.find('\n');
        const auto line = trim(armored.substr(0, end));
        if (end == std::string_view::npos)
            return {};
        if (!line.empty() && !line.contains(':'))
            break;
        armored.remove_prefix(end + 1);
        if (line.empty())
            break;
    }
    return mail::base64_decode(armored.substr(0, chars));
}

std::size_t armor_at(std::string_view octets)
{
    const auto at = octets.find(armor_begin);
    return at == 0 || (at != std::string_view::npos && octets[at - 1] == '\n') ? at : std::string_view::npos;
}

Found found_pgp(Encrypted kind, std::string ciphertext)
{
    if (!is_openpgp_encrypted(ciphertext))
        return {.kind = Encrypted::no, .ciphertext = {}, .why = "no-ciphertext"};
    return {.kind = kind, .ciphertext = std::move(ciphertext), .why = {}};
}

Found find_pgp_mime(const std::vector<mail::Part>& parts, const Limits& limits)
{
    std::vector<const mail::Part*> children;
    for (const auto& part : parts)
        if (part.parent == 0)
            children.push_back(&part);
    const bool is_right = children.size() == 2 && children[0]->type.is("application/pgp-encrypted") &&
                          children[1]->type.is("application/octet-stream");
    if (!is_right)
        return {.kind = Encrypted::no, .ciphertext = {}, .why = "structure"};
    return found_pgp(Encrypted::pgp_mime, mail::decode(*children[1], limits.message_octets));
}

/// Armor with nothing but empty lines around it: where other text stands beside it, nobody could tell what was
/// encrypted.
Found find_pgp_text(const mail::Part& part, const Limits& limits)
{
    if (!part.body.contains(armor_begin) && part.encoding != mail::Encoding::base64)
        return {};
    const std::string text = mail::decode(part, limits.message_octets);
    const auto content = trim(text);
    if (!content.starts_with(armor_begin))
        return {.kind = Encrypted::no, .ciphertext = {}, .why = content.contains(armor_begin) ? "text-around" : ""};
    const auto end = content.find(armor_end);
    if (end == std::string_view::npos || end + armor_end.size() != content.size())
        return {.kind = Encrypted::no, .ciphertext = {}, .why = "text-around"};
    return found_pgp(Encrypted::pgp_text, std::string(content));
}

} // namespace

bool is_openpgp_encrypted(std::string_view octets)
{
    std::string head;
    if (const auto at = armor_at(octets); at != std::string_view::npos)
        head = armor_head(octets.substr(at), 64);
    else
        head = std::string(octets.substr(0, 16));
    if (head.empty() || (static_cast<unsigned char>(head[0]) & 0x80) == 0)
        return false;
    const auto first = static_cast<unsigned char>(head[0]);
    const int tag = (first & 0x40) != 0 ? first & 0x3F : (first & 0x3C) >> 2;
    // public-key or passphrase encrypted session key, encrypted data with and without protection, GnuPG's AEAD
    return tag == 1 || tag == 3 || tag == 9 || tag == 18 || tag == 20;
}

bool is_cms_enveloped(std::string_view octets)
{
    static constexpr std::string_view enveloped("\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03", 11);
    static constexpr std::string_view auth_enveloped("\x06\x0B\x2A\x86\x48\x86\xF7\x0D\x01\x09\x10\x01\x17", 13);
    if (!octets.starts_with('\x30') || octets.size() < 2)
        return false;
    const auto length = static_cast<unsigned char>(octets[1]);
    const std::size_t skip = 2 + (length > 0x80 && length <= 0x88 ? length & 0x7FU : 0U);
    if (octets.size() < skip)
        return false;
    return octets.substr(skip).starts_with(enveloped) || octets.substr(skip).starts_with(auth_enveloped);
}

Found find_encrypted(const mail::Message& message, const Limits& limits)
{
    const mail::Parts tree(message, limits);
    const auto& parts = tree.all();
    if (parts.empty())
        return {};
    const auto& root = parts.front();
    if (root.type.is("multipart/encrypted"))
        return find_pgp_mime(parts, limits);
    if (root.type.is("application/pkcs7-mime") || root.type.is("application/x-pkcs7-mime")) {
        if (is_cms_enveloped(mail::decode(root, limits.message_octets)))
            return {.kind = Encrypted::smime, .ciphertext = {}, .why = {}};
        return {};
    }
    if (root.type.is("text/plain"))
        return find_pgp_text(root, limits);
    return {};
}

std::string inner_entity(const mail::Message& message)
{
    std::string out;
    for (const auto& field : message.fields()) {
        if (!is_content_field(message.name(field)))
            continue;
        out += message.raw(field);
        if (!out.ends_with('\n'))
            out += message.line_end();
    }
    out += message.line_end();
    out += message.body();
    return message.line_end() == "\n" ? to_crlf(out) : out;
}

void wrap(const mail::Message& message, std::string_view armored, Random& random, mail::Edits& edits)
{
    const std::string_view end = message.line_end();
    const std::string boundary = mail::make_boundary(armored, random);
    std::string type =
        "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\n boundary=\"" + boundary + "\"";
    if (message.find("MIME-Version") == nullptr)
        type.insert(0, "MIME-Version: 1.0\n");
    bool is_placed = false;
    for (const auto& field : message.fields()) {
        if (!is_content_field(message.name(field)))
            continue;
        if (is_placed)
            edits.remove_field(field);
        else
            edits.replace_field(message, field, type);
        is_placed = true;
    }
    if (!is_placed)
        edits.append_field(message, type);
    const std::string delimiter = "--" + boundary;
    std::string body = mail::field_lines(delimiter +
                                             "\nContent-Type: application/pgp-encrypted\n"
                                             "Content-Description: PGP/MIME version identification\n\nVersion: 1\n\n" +
                                             delimiter +
                                             "\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\n"
                                             "Content-Description: OpenPGP encrypted message\n"
                                             "Content-Disposition: inline; filename=\"encrypted.asc\"",
                                         end);
    body += end;
    const std::string lines = from_crlf(armored);
    body += mail::field_lines(trim(lines), end);
    body += end;
    body += mail::field_lines(delimiter + "--", end);
    // a header that ends with the message has no empty line yet
    if (message.body_begin() == message.header_end())
        body.insert(0, end);
    edits.replace(message.body_begin(), message.body().size(), std::move(body));
}

Result<void> unwrap(const mail::Message& message, std::string_view entity, const Limits& limits, mail::Edits& edits)
{
    const std::string text = in_lines_of(message, entity);
    const mail::Message inner(text, limits);
    std::string fields;
    for (const auto& field : inner.fields()) {
        if (!is_content_field(inner.name(field)))
            continue;
        fields += inner.raw(field);
        if (!fields.ends_with('\n'))
            fields += message.line_end();
    }
    if (has(inner.oddities(), mail::Oddity::no_header | mail::Oddity::header_ends_early) &&
        !text.starts_with(message.line_end()))
        return fail(Status::data, "the decrypted entity has no header");
    bool is_placed = false;
    for (const auto& field : message.fields()) {
        if (!is_content_field(message.name(field)))
            continue;
        if (!is_placed && iequals(message.name(field), "Content-Type")) {
            edits.replace(field.begin, field.end - field.begin, fields);
            is_placed = true;
        } else {
            edits.remove_field(field);
        }
    }
    edits.replace(message.body_begin(), message.body().size(), std::string(inner.body()));
    return {};
}

void unwrap_text(const mail::Message& message, std::string_view text, mail::Edits& edits)
{
    const mail::Field* encoding = message.find("Content-Transfer-Encoding");
    const std::string name = encoding == nullptr ? "7bit" : to_lower(message.value(*encoding));
    const bool is_plain = std::ranges::all_of(text, [](char c) {
        return static_cast<unsigned char>(c) < 128 &&
               (static_cast<unsigned char>(c) >= 32 || c == '\t' || c == '\r' || c == '\n');
    });
    std::string body = in_lines_of(message, text);
    if ((name == "7bit" && is_plain) || name == "8bit") {
        edits.replace(message.body_begin(), message.body().size(), std::move(body));
        return;
    }
    body = mail::base64_encode(body, 76, message.line_end());
    if (encoding == nullptr)
        edits.append_field(message, "Content-Transfer-Encoding: base64");
    else
        edits.replace_field(message, *encoding, "Content-Transfer-Encoding: base64");
    edits.replace(message.body_begin(), message.body().size(), std::move(body));
}

} // namespace mgw::crypt
