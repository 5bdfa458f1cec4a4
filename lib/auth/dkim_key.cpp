#include "lib/auth/dkim_key.hpp"

#include "lib/auth/tags.hpp"
#include "lib/mail/codec.hpp"

namespace mgw::auth
{
namespace
{

constexpr std::string_view sequence = "\x30";
constexpr std::string_view bit_string = "\x03";
// SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }
constexpr std::string_view rsa_algorithm{"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15};

/// One element of DER with a length of up to 65,535 octets.
std::string element(std::string_view tag, std::string_view content)
{
    std::string out{tag};
    const auto size = content.size();
    if (size >= 256)
        out.append("\x82").append(1, static_cast<char>(size >> 8));
    else if (size >= 128)
        out.append("\x81");
    out.append(1, static_cast<char>(size & 0xff)).append(content);
    return out;
}

/// Whether DER begins as SEQUENCE { INTEGER …: a bare RSAPublicKey. SubjectPublicKeyInfo has a SEQUENCE inside.
bool is_bare_rsa_key(std::string_view der)
{
    if (der.size() < 16 || der.size() > 8192 || der[0] != '\x30')
        return false;
    const auto length = static_cast<unsigned char>(der[1]);
    const std::size_t content = length < 0x80 ? 2 : 2 + (length & 0x7fU);
    return content < der.size() && der[content] == '\x02';
}

} // namespace

std::string usable_key_record(std::string_view record)
{
    const auto tags = parse_tags(record);
    const auto p = tags ? tag_value(*tags, "p") : std::nullopt;
    if (!p || p->empty())
        return std::string(record);
    const auto der = mail::base64_decode(*p, record.size());
    if (!is_bare_rsa_key(der))
        return std::string(record);
    const auto framed = element(sequence, std::string(rsa_algorithm) + element(bit_string, std::string(1, '\0') + der));
    const auto begin = static_cast<std::size_t>(p->data() - record.data());
    return std::string(record.substr(0, begin)) + mail::base64_encode(framed, 0) +
           std::string(record.substr(begin + p->size()));
}

} // namespace mgw::auth
