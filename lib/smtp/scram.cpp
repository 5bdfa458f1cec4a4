#include "lib/smtp/scram.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"

#include <openssl/evp.h>

namespace mgw::smtp::scram
{

std::string salted_password(std::string_view password, std::string_view salt, std::uint32_t iterations)
{
    std::string out(32, '\0');
    const bool done =
        PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                          reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                          static_cast<int>(iterations), EVP_sha256(), static_cast<int>(out.size()),
                          reinterpret_cast<unsigned char*>(out.data())) == 1;
    return done ? out : std::string{};
}

std::string client_key(std::string_view salted_password)
{
    return hmac_sha256(salted_password, "Client Key");
}

std::string stored_key(std::string_view client_key)
{
    return sha256(client_key);
}

std::string server_key(std::string_view salted_password)
{
    return hmac_sha256(salted_password, "Server Key");
}

std::string signature(std::string_view key, std::string_view auth_message)
{
    return hmac_sha256(key, auth_message);
}

std::string exclusive_or(std::string_view a, std::string_view b)
{
    std::string out(a);
    for (std::size_t i = 0; i < out.size() && i < b.size(); ++i)
        out[i] = static_cast<char>(out[i] ^ b[i]);
    return out;
}

std::optional<std::map<char, std::string>> parse_attributes(std::string_view message)
{
    std::map<char, std::string> out;
    for (const auto part : split(message, ',')) {
        if (part.size() < 2 || !is_letter(part[0]) || part[1] != '=' || out.size() == 10)
            return {};
        if (!out.try_emplace(part[0], part.substr(2)).second)
            return {};
    }
    return out;
}

std::string escape_name(std::string_view name)
{
    std::string out;
    for (const char c : name)
        out += c == '=' ? std::string("=3D") : c == ',' ? std::string("=2C") : std::string(1, c);
    return out;
}

std::optional<std::string> unescape_name(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        if (text.front() != '=') {
            out += text.front();
            text.remove_prefix(1);
            continue;
        }
        const bool equals = text.starts_with("=3D");
        if (!equals && !text.starts_with("=2C"))
            return {};
        out += equals ? '=' : ',';
        text.remove_prefix(3);
    }
    return out;
}

} // namespace mgw::smtp::scram
