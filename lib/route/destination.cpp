#include "lib/route/destination.hpp"

#include "lib/core/text.hpp"
#include "lib/lists/address_key.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <arpa/inet.h>

namespace mgw::route
{

namespace
{

bool is_ipv4(std::string_view text)
{
    in_addr address{};
    return inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

bool is_ipv6(std::string_view text)
{
    in6_addr address{};
    return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

/// A port by number or by one of the names that mail uses; nothing if it is neither.
std::optional<std::string> port_number(std::string_view text)
{
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> names{
        {{"smtp", "25"}, {"lmtp", "24"}, {"submission", "587"}, {"submissions", "465"}, {"smtps", "465"}}};
    for (const auto& [name, port] : names)
        if (iequals(text, name))
            return std::string(port);
    const auto number = parse_number(text);
    if (!number || *number == 0 || *number > 65535)
        return std::nullopt;
    return std::to_string(*number);
}

std::unexpected<Error> wrong(std::string_view text, const std::string& what)
{
    return fail(Status::config, "\"" + printable(text, 120) + "\" " + what,
                "a destination is smtp:[host]:port, smtp:domain, lmtp:unix:/path, lmtp:inet:host:port, maildir:/path, "
                "pipe:NAME or "
                "error:text");
}

/// "[host]:port", "domain:port", "domain", an address: brackets around addresses, the port as a number.
Result<std::string> parse_host(std::string_view text, std::string_view whole, bool always_bracketed)
{
    std::string_view host = text;
    std::string_view port;
    bool bracketed = always_bracketed;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos)
            return wrong(whole, "has no closing bracket");
        host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        bracketed = true;
        if (istarts_with(host, "ipv6:"))
            host.remove_prefix(5);
        if (!is_ipv6(host) && !lists::is_domain(host))
            return wrong(whole, "has no host or address in its brackets");
    } else {
        const auto colon = text.find(':');
        host = text.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
        if (!lists::is_domain(host))
            return wrong(whole, "has no host or domain (an IPv6 address needs brackets)");
        bracketed = bracketed || is_ipv4(host);
    }
    std::string out = bracketed ? "[" + to_lower(host) + "]" : to_lower(host);
    if (port.empty())
        return out;
    const auto number = port.starts_with(':') ? port_number(port.substr(1)) : std::nullopt;
    if (!number)
        return wrong(whole, "has no port number from 1 to 65535 behind its host");
    return out + ":" + *number;
}

/// Splits "5.7.1 text": a status of `cls` at the start of the text.
void take_status(Destination& destination, std::string_view text, char cls)
{
    const auto end = text.find(' ');
    const auto word = text.substr(0, end);
    const auto pieces = split(word, '.');
    const bool is_status = pieces.size() == 3 && pieces[0].size() == 1 && pieces[0][0] == cls &&
                           std::ranges::all_of(pieces, [](std::string_view piece) {
                               return piece.size() <= 3 && parse_number(piece).has_value();
                           });
    if (is_status) {
        destination.enhanced = std::string(word);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    destination.text = std::string(trim(text));
}

Result<std::string> parse_lmtp(std::string_view next, std::string_view whole)
{
    if (next.starts_with("unix:")) {
        if (!next.starts_with("unix:/"))
            return wrong(whole, "needs a socket whose path begins with /");
        return std::string(next);
    }
    if (next.starts_with("inet:"))
        next.remove_prefix(5);
    if (next.empty())
        return wrong(whole, "names no server");
    return parse_host(next, whole, true);
}

Result<std::string> parse_maildir(std::string_view path, std::string_view whole)
{
    if (!path.starts_with('/'))
        return wrong(whole, "needs a path that begins with /");
    for (auto at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 2))
        if (at + 1 == path.size() || !std::string_view("udn").contains(path[at + 1]))
            return wrong(whole, "has a '%' that is none of %u, %d and %n");
    return std::string(path);
}

bool is_plain_name(std::string_view text)
{
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return is_digit(c) || is_letter(c) || c == '-' || c == '_' || c == '.';
    });
}

/// A name of the recipient as one element of a path; nothing for what would leave it or hide.
std::optional<std::string> path_element(const std::string& name)
{
    if (name.empty() || name.size() > 200 || name.front() == '.' || name.contains('/'))
        return std::nullopt;
    if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) <= 32 || c == 127; }))
        return std::nullopt;
    return name;
}

Result<std::string> filled(std::string_view path, std::string_view address, std::string_view delimiters)
{
    const lists::AddressKey key = lists::address_key(address, delimiters);
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] != '%') {
            out += path[i];
            continue;
        }
        const char what = path[++i];
        const auto element = path_element(what == 'u' ? key.user : what == 'd' ? key.domain : key.local());
        if (!element)
            return fail(Status::data, "the address cannot stand in a path");
        out += *element;
    }
    return out;
}

bool is_transport_name(std::string_view name)
{
    static constexpr std::array<std::string_view, 8> names{"smtp", "relay", "lmtp",  "maildir",
                                                           "pipe", "error", "retry", "discard"};
    return std::ranges::find(names, name) != names.end();
}

} // namespace

Result<Destination> parse_destination(std::string_view text)
{
    text = trim(text);
    const auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return wrong(text, "has no transport before a colon");
    const std::string transport = to_lower(text.substr(0, colon));
    const std::string_view next = trim(text.substr(colon + 1));
    Destination out;
    Result<std::string> parsed = std::string{};
    if (transport == "error" || transport == "retry" || transport == "discard") {
        out.kind = transport == "error"   ? Destination::Kind::reject
                   : transport == "retry" ? Destination::Kind::defer
                                          : Destination::Kind::discard;
        take_status(out, next, transport == "retry" ? '4' : '5');
        return out;
    }
    if (std::ranges::any_of(next, is_blank))
        return wrong(text, "has blanks in it");
    if (transport.empty() && next.empty()) {
        out.kind = Destination::Kind::standard;
    } else if (transport.empty() || transport == "smtp" || transport == "relay") {
        out.kind = Destination::Kind::smtp;
        if (!next.empty())
            parsed = parse_host(next, text, false);
    } else if (transport == "lmtp") {
        out.kind = Destination::Kind::lmtp;
        parsed = parse_lmtp(next, text);
    } else if (transport == "maildir") {
        out.kind = Destination::Kind::maildir;
        parsed = parse_maildir(next, text);
    } else if (transport == "pipe") {
        out.kind = Destination::Kind::pipe;
        if (!is_plain_name(next))
            return wrong(text, "names no pipe: letters, digits, '-', '_' and '.'");
        parsed = std::string(next);
    } else {
        return wrong(text, "has a transport that is not known here");
    }
    if (!parsed)
        return pass(parsed);
    out.next = std::move(*parsed);
    return out;
}

Result<Destination> parse_relay(std::string_view text)
{
    text = trim(text);
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && (colon == 0 || is_transport_name(to_lower(text.substr(0, colon)))))
        return parse_destination(text);
    auto host = parse_host(text, text, false);
    if (!host)
        return pass(host);
    return Destination{.kind = Destination::Kind::smtp, .next = std::move(*host), .enhanced = {}, .text = {}};
}

Result<std::string> hop_for(const Destination& destination, std::string_view address, std::string_view delimiters)
{
    switch (destination.kind) {
    case Destination::Kind::lmtp:
        return "lmtp:" + destination.next;
    case Destination::Kind::pipe:
        return "pipe:" + destination.next;
    case Destination::Kind::maildir: {
        auto path = filled(destination.next, address, delimiters);
        if (!path)
            return pass(path);
        return "maildir:" + *path;
    }
    default:
        break;
    }
    if (!destination.next.empty())
        return "smtp:" + destination.next;
    std::string domain = to_lower(lists::domain_of(address));
    if (domain.empty())
        return fail(Status::data, "the address has no domain");
    // an address literal (RFC 5321 section 4.1.3): mgw-send wants no "IPv6:" in its brackets
    if (domain.starts_with("[ipv6:"))
        domain.erase(1, 5);
    return "smtp:" + domain;
}

} // namespace mgw::route
