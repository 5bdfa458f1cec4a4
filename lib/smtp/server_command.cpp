#include "lib/smtp/server_command.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t reply_limit = 512;
constexpr std::size_t local_limit = 64;
constexpr std::size_t domain_limit = 255;
constexpr std::size_t path_limit = 256;

constexpr bool is_alnum(char c)
{
    return is_digit(c) || is_letter(c);
}
constexpr bool is_atext(char c)
{
    return is_alnum(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

constexpr bool is_ascii_control(char c)
{
    return (c >= 0 && c < 32) || c == 127;
}

/// Labels between single dots. Underscores are no host names, but mail with them exists.
bool is_domain(std::string_view text)
{
    if (text.empty() || text.size() > domain_limit)
        return false;
    for (const auto label : split(text, '.')) {
        if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
            return false;
        if (!std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; }))
            return false;
    }
    return true;
}

bool is_literal(std::string_view text)
{
    if (text.size() < 3 || text.size() > domain_limit || text.front() != '[' || text.back() != ']')
        return false;
    const std::string address(text.substr(1, text.size() - 2));
    constexpr std::string_view tag = "IPv6:";
    in6_addr parsed{};
    return istarts_with(address, tag) ? ::inet_pton(AF_INET6, address.c_str() + tag.size(), &parsed) == 1
                                      : ::inet_pton(AF_INET, address.c_str(), &parsed) == 1;
}

/// A domain with U-labels (RFC 6531 section 3.3): one that has a form with A-labels.
bool is_mail_domain(std::string_view text)
{
    return is_domain_or_literal(text) || (!is_ascii(text) && text.size() <= domain_limit && !text.ends_with('.') &&
                                          is_domain(mail::normal_domain(text)));
}

/// Controls outside ASCII, and characters that turn the direction of what stands around them: in an address they can
/// only deceive.
bool has_unicode_control(std::string_view text)
{
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        const auto at = [&](std::size_t n) { return static_cast<unsigned char>(text[i + n]); };
        if (at(0) == 0xC2 && at(1) < 0xA0)
            return true;
        if (at(0) == 0xE2 && i + 2 < text.size() &&
            ((at(1) == 0x80 && at(2) >= 0xA8 && at(2) <= 0xAE) || (at(1) == 0x81 && at(2) >= 0xA6 && at(2) <= 0xA9)))
            return true;
    }
    return false;
}

/// Octets of a quoted string at the start of `text`, 0 if there is none or it is not closed.
std::size_t quoted_octets(std::string_view text)
{
    if (!text.starts_with('"'))
        return 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"')
            return i + 1;
        if (text[i] == '\\')
            ++i;
    }
    return 0;
}

bool is_local_part(std::string_view text)
{
    if (text.empty() || text.size() > local_limit)
        return false;
    if (text.front() == '"')
        return quoted_octets(text) == text.size();
    return std::ranges::all_of(split(text, '.'), [](std::string_view atom) {
        return !atom.empty() &&
               std::ranges::all_of(atom, [](char c) { return is_atext(c) || static_cast<unsigned char>(c) > 127; });
    });
}

/// Where the path ends that starts at the front of `text` behind '<': its '>' outside quotes, or npos.
std::size_t find_bracket(std::string_view text)
{
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '>')
            return i;
        if (text[i] == '"') {
            const auto octets = quoted_octets(text.substr(i));
            if (octets == 0)
                return std::string_view::npos;
            i += octets - 1;
        }
    }
    return std::string_view::npos;
}

/// A path without brackets is a mailbox, "postmaster", or the null path. Section 4.1.1.3: a source route is stripped.
bool check_path(std::string_view& path)
{
    if (path.empty())
        return true;
    if (path.front() == '@') {
        const auto colon = path.find(':');
        if (colon == std::string_view::npos)
            return false;
        for (const auto hop : split(path.substr(0, colon), ','))
            if (!hop.starts_with('@') || !is_domain(hop.substr(1)))
                return false;
        path.remove_prefix(colon + 1);
    }
    if (path.size() > path_limit)
        return false;
    if (iequals(path, "postmaster"))
        return true;
    const auto local = path.front() == '"' ? quoted_octets(path) : path.find('@');
    if (local == 0 || local == std::string_view::npos || local >= path.size() || path[local] != '@')
        return false;
    return is_local_part(path.substr(0, local)) && is_mail_domain(path.substr(local + 1));
}

bool parse_parameters(std::string_view text, std::vector<EsmtpParameter>& into)
{
    for (const auto word : split_blanks(text)) {
        const auto equals = word.find('=');
        const auto keyword = word.substr(0, equals);
        const auto value = equals == std::string_view::npos ? std::string_view{} : word.substr(equals + 1);
        if (keyword.empty() || !is_alnum(keyword.front()) ||
            !std::ranges::all_of(keyword, [](char c) { return is_alnum(c) || c == '-'; }))
            return false;
        if (equals != std::string_view::npos && (value.empty() || value.contains('=') || !is_valid_utf8(value) ||
                                                 std::ranges::any_of(value, is_ascii_control)))
            return false;
        into.push_back({to_upper(keyword), std::string(value)});
    }
    return true;
}

} // namespace

std::string reply_octets(const ServerReply& reply, std::string_view id)
{
    std::string out = std::to_string(reply.code) + ' ';
    if (!reply.enhanced.empty())
        out += reply.enhanced + ' ';
    out += printable_ascii(reply.text, reply_limit);
    const auto end = id.empty() ? std::string{} : ' ' + std::string(id);
    out.resize(std::min(out.size(), reply_limit - 2 - end.size()));
    return out + end + "\r\n";
}

std::string without_local_paths(std::string_view text)
{
    std::string out;
    bool word_begins = true; // a path begins a word or stands behind a quote, a bracket or an equals sign
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '/' && word_begins && i + 1 < text.size() && (is_alnum(text[i + 1]) || text[i + 1] == '.')) {
            i = std::min(text.find_first_of(" \t\"'`,;:)]>", i), text.size()) - 1;
            out += "[path]";
            word_begins = false;
            continue;
        }
        out += c;
        word_begins = std::string_view(" \t\"'`([<=:").contains(c);
    }
    return out;
}

CommandLine parse_command(std::string_view line)
{
    const auto blank = std::ranges::find_if(line, is_blank);
    return {to_upper(std::string_view(line.begin(), blank)), trim(std::string_view(blank, line.end()))};
}

std::expected<PathArgument, ServerReply> parse_path_argument(std::string_view argument, std::string_view keyword,
                                                             bool strict)
{
    const bool sender = keyword == "FROM";
    const auto bad_syntax = [&] {
        return std::unexpected(
            ServerReply{501, "5.5.4", sender ? "Syntax: MAIL FROM:<address>" : "Syntax: RCPT TO:<address>"});
    };
    if (!istarts_with(argument, keyword))
        return bad_syntax();
    argument = trim(argument.substr(keyword.size()));
    if (!argument.starts_with(':'))
        return bad_syntax();
    argument.remove_prefix(1);
    if (strict && !argument.starts_with('<'))
        return bad_syntax();
    argument = trim(argument);
    if (argument.empty())
        return bad_syntax();

    std::string_view path;
    std::string_view rest;
    if (argument.front() == '<') {
        argument.remove_prefix(1);
        const auto end = find_bracket(argument);
        if (end == std::string_view::npos)
            return bad_syntax();
        path = argument.substr(0, end);
        rest = argument.substr(end + 1);
        if (!rest.empty() && !is_blank(rest.front()))
            return bad_syntax();
    } else {
        const auto quoted = quoted_octets(argument);
        const auto end = std::min(argument.find_first_of(" \t", quoted), argument.size());
        path = argument.substr(0, end);
        rest = argument.substr(end);
    }
    if (std::ranges::any_of(path, is_ascii_control) || !is_valid_utf8(path) || has_unicode_control(path) ||
        !check_path(path))
        return std::unexpected(ServerReply{501, sender ? "5.1.7" : "5.1.3",
                                           sender ? "Bad sender address syntax" : "Bad recipient address syntax"});

    PathArgument out{std::string(path), {}};
    if (!parse_parameters(rest, out.parameters))
        return std::unexpected(ServerReply{501, "5.5.4", "Malformed parameter"});
    return out;
}

bool is_domain_or_literal(std::string_view text)
{
    return is_domain(text) || is_literal(text);
}

} // namespace mgw::smtp
