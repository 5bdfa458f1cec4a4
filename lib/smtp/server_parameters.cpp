#include "lib/smtp/server_parameters.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <algorithm>
#include <optional>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t envid_limit = 100; // RFC 3461 section 4.4
constexpr std::size_t orcpt_limit = 500; // RFC 3461 section 4.2

using Refusal = std::unexpected<ServerReply>;

Refusal malformed(std::string text)
{
    return Refusal({501, "5.5.4", std::move(text)});
}
Refusal unsupported(const EsmtpParameter& parameter)
{
    return Refusal({555, "5.5.4", "Parameter " + parameter.keyword + " is not supported"});
}

/// Whether a keyword stands twice, where that is an error (RFC 5321 section 4.1.1.11 names none that may).
const EsmtpParameter* repeated(const std::vector<EsmtpParameter>& parameters)
{
    for (std::size_t i = 1; i < parameters.size(); ++i)
        for (std::size_t k = 0; k < i; ++k)
            if (parameters[i].keyword == parameters[k].keyword)
                return &parameters[i];
    return nullptr;
}

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> words)
{
    return std::ranges::any_of(words, [&](std::string_view word) { return iequals(value, word); });
}

constexpr bool is_hex(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F');
}

/// RFC 3461 section 4: "+" and two hexadecimal digits, or any of 33..126 but "=". What it stands for must be printable.
bool is_xtext(std::string_view text)
{
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] < 33 || text[i] > 126 || text[i] == '=')
            return false;
        if (text[i] != '+')
            continue;
        if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2]))
            return false;
        i += 2;
    }
    return std::ranges::all_of(from_xtext(text), [](char c) { return c >= 32 && c < 127; });
}

void carry(std::string& into, const EsmtpParameter& parameter, std::string_view value)
{
    if (!into.empty())
        into += ' ';
    into += parameter.keyword;
    if (!value.empty())
        into.append("=").append(value);
}

bool is_notify(std::string_view value)
{
    if (iequals(value, "NEVER"))
        return true;
    return !value.empty() && std::ranges::all_of(split(value, ','), [](std::string_view word) {
        return is_one_of(word, {"SUCCESS", "FAILURE", "DELAY"});
    });
}

/// Octets of an EmbeddedUnicodeChar at the front of `text` (RFC 6533 section 3); 0 if there is none.
std::size_t embedded_octets(std::string_view text)
{
    const auto close = text.find('}');
    if (!text.starts_with("\\x{") || close == std::string_view::npos || close < 5 || close > 9)
        return 0;
    char32_t c = 0;
    for (const char digit : text.substr(3, close - 3)) {
        if (!is_hex(digit))
            return 0;
        c = (c << 4) | static_cast<char32_t>(hex_value(digit));
    }
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    return c < 32 || c == 127 || surrogate || c > 0x10FFFF ? 0 : close + 1;
}

/// An address of type utf-8 in the form that stands in ASCII; nothing if it is malformed.
std::optional<std::string> unitext_as_ascii(std::string_view text, bool utf8)
{
    std::string out;
    while (!text.empty()) {
        const char c = text.front();
        if (c == '\\') {
            const auto octets = embedded_octets(text);
            if (octets == 0)
                return {};
            out += text.substr(0, octets);
            text.remove_prefix(octets);
        } else if (static_cast<unsigned char>(c) > 126 && !utf8) {
            return {};
        } else if (static_cast<unsigned char>(c) > 126 || c == '+') {
            out += mail::embedded_unicode(take_code_point(text));
        } else {
            out += c;
            text.remove_prefix(1);
        }
    }
    return out;
}

/// "type;address" as it is carried; nothing if it is malformed.
std::optional<std::string> original_recipient(std::string_view value, bool utf8)
{
    const auto semicolon = value.find(';');
    if (semicolon == std::string_view::npos || semicolon == 0 || semicolon + 1 == value.size() ||
        value.size() > orcpt_limit)
        return {};
    const auto type = value.substr(0, semicolon);
    const auto address = value.substr(semicolon + 1);
    if (!std::ranges::all_of(type, [](char c) { return is_digit(c) || is_letter(c) || c == '-'; }))
        return {};
    if (!iequals(type, "utf-8"))
        return is_xtext(address) ? std::optional(std::string(value)) : std::nullopt;
    const auto ascii = unitext_as_ascii(address, utf8);
    return ascii ? std::optional(std::string(type) + ";" + *ascii) : std::nullopt;
}

/// Octets that SIZE declares; nothing if it is malformed. More than any number holds is more than any limit.
std::optional<std::uint64_t> declared_size(std::string_view value)
{
    if (value.empty() || value.size() > 20 || !std::ranges::all_of(value, is_digit))
        return {};
    return parse_number(value).value_or(UINT64_MAX);
}

} // namespace

std::expected<MailParameters, ServerReply> check_mail_parameters(const std::vector<EsmtpParameter>& parameters,
                                                                 const ParameterOffer& offer)
{
    MailParameters out;
    for (const auto& parameter : parameters) {
        const auto& [keyword, value] = parameter;
        bool carried = true;
        if (keyword == "SIZE") {
            const auto octets = declared_size(value);
            if (!octets)
                return malformed("Malformed SIZE (RFC 1870)");
            if (*octets > offer.message_octets)
                return Refusal(
                    {552, "5.3.4",
                     "Message of " + value + " octets is larger than " + std::to_string(offer.message_octets)});
            out.declared_octets = *octets;
            carried = false;
        } else if (keyword == "BODY") {
            if (!is_one_of(value, {"7BIT", "8BITMIME"}))
                return malformed("BODY is 7BIT or 8BITMIME here (RFC 6152)");
        } else if (keyword == "RET") {
            if (!is_one_of(value, {"FULL", "HDRS"}))
                return malformed("RET is FULL or HDRS (RFC 3461)");
        } else if (keyword == "ENVID") {
            if (value.empty() || value.size() > envid_limit || !is_xtext(value))
                return malformed("ENVID is xtext of at most 100 characters (RFC 3461)");
        } else if (keyword == "SMTPUTF8") {
            if (!value.empty())
                return malformed("SMTPUTF8 has no value (RFC 6531)");
            out.utf8 = true;
        } else if (keyword == "REQUIRETLS") {
            if (!offer.require_tls)
                return Refusal({555, "5.5.4", "REQUIRETLS is offered under TLS only (RFC 8689)"});
            if (!value.empty())
                return malformed("REQUIRETLS has no value (RFC 8689)");
            out.require_tls = true;
        } else if (keyword == "AUTH" && offer.auth) {
            if (value.empty() || (value != "<>" && !is_xtext(value)))
                return malformed("AUTH is <> or xtext (RFC 4954)");
            carried = false;
        } else {
            return unsupported(parameter);
        }
        if (carried)
            carry(out.carried, parameter, value);
    }
    if (const auto* twice = repeated(parameters))
        return malformed("Parameter " + twice->keyword + " stands twice");
    return out;
}

std::expected<std::string, ServerReply> check_recipient_parameters(const std::vector<EsmtpParameter>& parameters,
                                                                   bool utf8)
{
    std::string out;
    for (const auto& parameter : parameters) {
        const auto& [keyword, value] = parameter;
        if (keyword == "NOTIFY") {
            if (!is_notify(value))
                return malformed("NOTIFY is NEVER, or of SUCCESS, FAILURE, DELAY (RFC 3461)");
            carry(out, parameter, value);
        } else if (keyword == "ORCPT") {
            const auto original = original_recipient(value, utf8);
            if (!original)
                return malformed("ORCPT is a type, a semicolon and xtext, at most 500 characters (RFC 3461)");
            carry(out, parameter, *original);
        } else {
            return unsupported(parameter);
        }
    }
    if (const auto* twice = repeated(parameters))
        return malformed("Parameter " + twice->keyword + " stands twice");
    return out;
}

} // namespace mgw::smtp
