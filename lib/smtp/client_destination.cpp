#include "lib/smtp/client_destination.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace mgw::smtp
{

namespace
{

constexpr auto hint =
    "destinations are smtp:DOMAIN[:PORT], smtp:[HOST][:PORT], smtps:…, lmtp:[HOST]:PORT, lmtp:unix:PATH, "
    "maildir:PATH, pipe:NAME, error:5.1.1 TEXT, mx";

std::unexpected<Error> bad(std::string_view text, std::string_view why)
{
    return fail(Status::usage, "destination " + printable(text, 200) + ": " + std::string(why), hint);
}

bool is_host_name(std::string_view name)
{
    return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
        return is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_' || c == ':' ||
               static_cast<unsigned char>(c) > 127;
    });
}

Result<Destination> parse_network(std::string_view text, Destination d, std::string_view rest)
{
    std::string_view port;
    if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == std::string_view::npos)
            return bad(text, "no closing bracket");
        d.host = rest.substr(1, end - 1);
        if (istarts_with(d.host, "ipv6:"))
            d.host.erase(0, 5);
        d.literal = true;
        rest.remove_prefix(end + 1);
        if (!rest.empty() && rest.front() != ':')
            return bad(text, "a port stands after a colon");
        port = rest.empty() ? rest : rest.substr(1);
        if (!rest.empty() && port.empty())
            return bad(text, "no port after the colon");
    } else {
        const auto colon = rest.find(':');
        d.host = rest.substr(0, colon);
        if (colon != std::string_view::npos) {
            port = rest.substr(colon + 1);
            if (port.empty())
                return bad(text, "no port after the colon");
        }
        d.literal = is_address(d.host);
    }
    if (!is_host_name(d.host))
        return bad(text, "no host name or address");
    d.host = is_ascii(d.host) ? to_lower(d.host) : mail::ascii_domain(d.host);
    if (d.host.empty())
        return bad(text, "the domain has no form for the DNS (IDNA)");
    if (port.empty()) {
        if (d.kind == Destination::Kind::lmtp)
            return bad(text, "LMTP needs a port");
        return d;
    }
    const auto number = parse_number(port);
    if (!number || *number == 0 || *number > 65535)
        return bad(text, "a port is 1 to 65535");
    d.port = static_cast<std::uint16_t>(*number);
    return d;
}

Result<Destination> parse_error(std::string_view text, std::string_view rest)
{
    const auto blank = std::min(rest.find(' '), rest.size());
    const std::string_view status = rest.substr(0, blank);
    const auto parts = split(status, '.');
    const bool fits =
        parts.size() == 3 && (parts[0] == "4" || parts[0] == "5") &&
        std::ranges::all_of(parts, [](std::string_view p) { return p.size() <= 3 && parse_number(p).has_value(); });
    if (!fits)
        return bad(text, "an error has a status as in 5.1.1");
    Destination d{.kind = Destination::Kind::error};
    d.enhanced = status;
    d.text = printable_ascii(trim(rest.substr(blank)));
    if (d.text.empty())
        d.text = "not deliverable";
    return d;
}

} // namespace

bool is_address(std::string_view text)
{
    unsigned char raw[16];
    const std::string copy(text);
    return ::inet_pton(AF_INET, copy.c_str(), raw) == 1 || ::inet_pton(AF_INET6, copy.c_str(), raw) == 1;
}

std::string Destination::key() const
{
    switch (kind) {
    case Kind::smtp:
        return std::string(implicit_tls ? "smtps:" : "smtp:") + (literal ? "[" + host + "]" : host) + ":" +
               std::to_string(port);
    case Kind::lmtp:
        return path.empty() ? "lmtp:[" + host + "]:" + std::to_string(port) : "lmtp:unix:" + path;
    case Kind::maildir:
        return "maildir:" + path;
    case Kind::pipe:
        return "pipe:" + path;
    case Kind::error:
        return "error:" + enhanced + " " + text;
    case Kind::mx:
        return "mx";
    }
    return {};
}

Result<Destination> parse_destination(std::string_view text)
{
    if (text == "mx")
        return Destination{.kind = Destination::Kind::mx};
    const auto colon = text.find(':');
    const std::string_view scheme = text.substr(0, colon);
    const std::string_view rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    if (text.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
        return bad(text, "has a control character");
    if (scheme == "error")
        return parse_error(text, rest);
    if (rest.empty())
        return bad(text, "not understood");
    if (scheme == "smtp")
        return parse_network(text, {.kind = Destination::Kind::smtp}, rest);
    if (scheme == "smtps")
        return parse_network(text, {.kind = Destination::Kind::smtp, .port = 465, .implicit_tls = true}, rest);
    if (scheme == "lmtp" && !rest.starts_with("unix:"))
        return parse_network(text, {.kind = Destination::Kind::lmtp, .port = 0}, rest);
    Destination d;
    if (scheme == "lmtp") {
        d.kind = Destination::Kind::lmtp;
        d.literal = true;
        d.path = rest.substr(5);
        if (!d.path.starts_with('/') || d.path.size() > 107) // sun_path
            return bad(text, "a Unix socket is an absolute path of at most 107 octets");
        return d;
    }
    if (scheme == "maildir") {
        d.kind = Destination::Kind::maildir;
        d.path = rest;
        const auto parts = split(d.path, '/');
        if (!d.path.starts_with('/') || std::ranges::find(parts, "..") != parts.end())
            return bad(text, "a folder is an absolute path without ..");
        while (d.path.size() > 1 && d.path.ends_with('/'))
            d.path.pop_back();
        return d;
    }
    if (scheme == "pipe") {
        d.kind = Destination::Kind::pipe;
        d.path = rest;
        return d;
    }
    return bad(text, "not understood");
}

} // namespace mgw::smtp
