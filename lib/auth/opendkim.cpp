#include "lib/auth/opendkim.hpp"

#include <openssl/crypto.h>

#include <string>

namespace mgw::auth
{
namespace
{

constexpr std::size_t chunk_octets = 64U << 10;

/// Position of the next LF without CR before it, from `begin`; npos if there is none.
std::size_t bare_lf(std::string_view text, std::size_t begin)
{
    for (auto at = text.find('\n', begin); at != std::string_view::npos; at = text.find('\n', at + 1))
        if (at == 0 || text[at - 1] != '\r')
            return at;
    return std::string_view::npos;
}

void append_crlf(std::string& out, std::string_view text)
{
    std::size_t begin = 0;
    for (auto at = bare_lf(text, 0); at != std::string_view::npos; at = bare_lf(text, at + 1)) {
        out.append(text, begin, at - begin).append("\r\n");
        begin = at + 1;
    }
    out.append(text, begin);
}

DKIM_STAT give(DKIM* dkim, std::string_view text)
{
    return text.empty() ? DKIM_STAT_OK : dkim_body(dkim, dkim_octets(text.data()), text.size());
}

} // namespace

DkimLibrary open_library()
{
    // What is initialised first counts for the whole process. The end of the process frees what OpenSSL holds.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr);
    return DkimLibrary{dkim_init(nullptr, nullptr)};
}

DKIM_STAT feed_field(DKIM* dkim, std::string_view field)
{
    if (field.ends_with('\n'))
        field.remove_suffix(1);
    if (field.ends_with('\r'))
        field.remove_suffix(1);
    std::string text;
    append_crlf(text, field);
    return dkim_header(dkim, dkim_octets(text.data()), text.size());
}

DKIM_STAT feed_body(DKIM* dkim, std::string_view body)
{
    if (bare_lf(body, 0) == std::string_view::npos)
        return give(dkim, body);
    std::string chunk;
    std::size_t begin = 0;
    while (begin < body.size()) {
        const auto at = bare_lf(body, begin);
        chunk.append(body, begin, at == std::string_view::npos ? at : at - begin);
        begin = at == std::string_view::npos ? body.size() : at + 1;
        if (at != std::string_view::npos)
            chunk.append("\r\n");
        if (chunk.size() < chunk_octets && begin < body.size())
            continue;
        if (const auto status = give(dkim, chunk); status != DKIM_STAT_OK)
            return status;
        chunk.clear();
    }
    return DKIM_STAT_OK;
}

} // namespace mgw::auth
