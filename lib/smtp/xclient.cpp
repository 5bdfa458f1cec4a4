#include "lib/smtp/xclient.hpp"

#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t value_octets = 255;

std::unexpected<ServerReply> malformed(std::string what)
{
    return std::unexpected(ServerReply{501, "5.5.4", std::move(what)});
}

bool is_clean(std::string_view value)
{
    return value.size() <= value_octets &&
           std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

std::optional<std::string> address_of(std::string_view value)
{
    if (istarts_with(value, "IPv6:"))
        value.remove_prefix(5);
    const auto address = parse_ip(value);
    return address ? std::optional(address->text()) : std::nullopt;
}

} // namespace

void XclientAttributes::add(const XclientAttributes& later)
{
    for (const auto member : {&XclientAttributes::address, &XclientAttributes::name, &XclientAttributes::helo,
                              &XclientAttributes::login, &XclientAttributes::proto})
        if (later.*member)
            this->*member = later.*member;
}

std::expected<XclientAttributes, ServerReply> parse_xclient(std::string_view argument, bool forward)
{
    const std::string command = forward ? "XFORWARD" : "XCLIENT";
    const auto known = split(forward ? xforward_attributes : xclient_attributes, ' ');
    XclientAttributes out;
    bool any = false;
    for (const auto word : split(argument, ' ')) {
        if (word.empty())
            continue;
        any = true;
        const auto equals = word.find('=');
        const auto key = to_upper(word.substr(0, equals));
        if (equals == std::string_view::npos || std::ranges::find(known, std::string_view(key)) == known.end())
            return malformed("Attribute of " + command + " is not known: " + std::string(word));
        std::optional value = from_xtext(word.substr(equals + 1));
        if (!is_clean(*value))
            return malformed("Value of " + key + " is longer than 255 octets or has blanks or controls");
        if (iequals(*value, "[UNAVAILABLE]") || iequals(*value, "[TEMPUNAVAIL]"))
            value->clear();
        else if (value->empty())
            return malformed("Value of " + key + " is missing");
        if (key == "ADDR") {
            if (!value->empty())
                value = address_of(*value);
            if (!value)
                return malformed("ADDR is no address");
            out.address = *value;
        } else if (key == "NAME") {
            if (!value->empty() && !is_domain_or_literal(*value))
                return malformed("NAME is no host name");
            out.name = *value;
        } else if (key == "HELO") {
            out.helo = *value;
        } else if (key == "LOGIN") {
            out.login = *value;
        } else if (key == "PROTO") {
            const auto proto = to_upper(*value);
            if (!proto.empty() && proto != "SMTP" && proto != "ESMTP" && proto != "LMTP")
                return malformed("PROTO is SMTP, ESMTP or LMTP");
            out.proto = proto;
        }
    }
    if (!any)
        return malformed("Syntax: " + command + " attribute=value");
    return out;
}

} // namespace mgw::smtp
