#include "lib/cli/envelope.hpp"

#include "lib/core/text.hpp"
#include "lib/core/ulid.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/message.hpp"

namespace mgw::cli
{

namespace
{

/// Client of a Received field (RFC 5321 section 4.4): "from HELO (NAME [IP])".
mail::Client received_client(std::string_view value)
{
    mail::Client out;
    if (!istarts_with(value, "from "))
        return out;
    const auto words = split_blanks(value.substr(5));
    if (words.empty())
        return out;
    out.helo = words[0];
    const auto open = value.find('(');
    const auto close = value.find(')', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos)
        return out;
    const auto comment = value.substr(open + 1, close - open - 1);
    const auto bracket = comment.find('[');
    const auto end = comment.find(']', bracket == std::string_view::npos ? 0 : bracket);
    if (bracket == std::string_view::npos || end == std::string_view::npos)
        return out;
    auto ip = comment.substr(bracket + 1, end - bracket - 1);
    if (istarts_with(ip, "IPv6:"))
        ip.remove_prefix(5);
    if (ip.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos)
        out.ip = ip;
    const auto name = trim(comment.substr(0, bracket));
    if (!name.empty() && !name.contains(' ') && !iequals(name, "unknown"))
        out.name = name;
    return out;
}

void add_recipients(const EnvelopeOptions& options, mail::Block& block)
{
    std::size_t number = 0;
    for (const auto& to : options.to)
        if (const auto path = mail::parse_path(to); path && !path->empty())
            block.add_recipient(std::to_string(++number), *path);
}

} // namespace

void complete_block(const EnvelopeOptions& options, mail::Block& block)
{
    mail::Client client = block.client();
    const auto fill = [](std::string& known, const std::string& option) {
        if (known.empty())
            known = option;
    };
    fill(client.ip, options.client_ip);
    fill(client.name, options.client_name);
    fill(client.helo, options.helo);
    block.set_client(client);
    if (options.from && !block.from())
        block.set_from(mail::parse_path(*options.from).value_or(""));
    if (block.recipients().empty())
        add_recipients(options, block);
}

mail::Block make_block(const Tool& tool, Random& random, const EnvelopeOptions& options, std::string_view octets)
{
    const mail::Message message(octets, tool.common().limits);
    mail::Block block;
    block.set_id(make_ulid(tool.clock().now(), random));
    mail::Client client;
    if (options.trust_received > 0) {
        const auto received = message.find_all("Received");
        if (received.size() >= options.trust_received)
            client = received_client(message.value(*received[options.trust_received - 1]));
    }
    if (!options.client_ip.empty())
        client.ip = options.client_ip;
    if (!options.client_name.empty())
        client.name = options.client_name;
    if (!options.helo.empty())
        client.helo = options.helo;
    block.set_client(client);

    if (options.from) {
        block.set_from(mail::parse_path(*options.from).value_or(""));
    } else if (const auto path = message.value_of("Return-Path")) {
        if (const auto parsed = mail::parse_path(*path))
            block.set_from(*parsed);
    }
    add_recipients(options, block);
    if (block.recipients().empty())
        if (const auto to = message.value_of("Delivered-To"))
            for (const auto& box : mail::parse_addresses(*to, 1))
                if (const auto path = mail::parse_path(box.address); path && !path->empty())
                    block.add_recipient("1", *path);
    return block;
}

} // namespace mgw::cli
