#include "lib/smtp/server_stamp.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/message.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

/// The header section with the empty line: all that needs an index here. Bodies may be large.
std::string_view header_section(std::string_view message, const Limits& limits)
{
    message = message.substr(0, limits.header_octets * 2);
    const auto end = std::min(message.find("\r\n\r\n"), message.find("\n\n"));
    return message.substr(0, end == std::string_view::npos ? end : end + 4);
}

constexpr std::size_t shown_octets = 255; // lines stay below the 998 octets of RFC 5321

std::string for_trace(std::string_view helo)
{
    if (is_domain_or_literal(helo))
        return std::string(helo);
    auto out = xtext(helo);
    std::ranges::replace_if(
        out, [](char c) { return std::string_view("()<>;:,@\\\"").contains(c); }, '?');
    return out.substr(0, shown_octets);
}

/// RFC 6531 section 4.3: UTF8SMTP, UTF8SMTPS, UTF8LMTP … where SMTPUTF8 was used.
std::string trace_protocol(std::string_view proto, bool utf8)
{
    if (!utf8)
        return std::string(proto);
    if (proto.starts_with('E'))
        proto.remove_prefix(1);
    return "UTF8" + std::string(proto);
}

} // namespace

std::string received_field(const Arrival& arrival, const ServerEnvelope& envelope)
{
    const auto& client = arrival.client;
    std::string out = "Received: from " + (client.helo.empty() ? "unknown" : for_trace(client.helo));
    if (!client.ip.empty())
        out += " (" + client.name + (client.name.empty() ? "[" : " [") + (client.ip.contains(':') ? "IPv6:" : "") +
               client.ip + "])";
    out +=
        "\r\n\tby " + arrival.hostname + " with " + trace_protocol(client.proto, envelope.utf8) + " id " + arrival.id;
    if (!client.tls.empty())
        out += "\r\n\t(" + client.tls + (arrival.tls_cipher.empty() ? "" : " " + arrival.tls_cipher) + ")";
    if (envelope.to.size() == 1)
        out += "\r\n\tfor <" + envelope.to.front().path + ">";
    return out + "; " + rfc5322_date(arrival.time) + "\r\n";
}

mail::Block stamped_block(const Arrival& arrival, const ServerEnvelope& envelope)
{
    mail::Block block;
    block.set_id(arrival.id);
    if (arrival.deadline > 0)
        block.set_deadline(arrival.deadline);
    block.set_client(arrival.client);
    block.set_from(envelope.from, envelope.from_parameters);
    std::size_t number = 0;
    for (const auto& [path, parameters] : envelope.to)
        block.add_recipient(std::to_string(++number), path, parameters);
    if (!arrival.facts.empty())
        block.add_result("mgw-recv", arrival.facts);
    return block;
}

std::vector<std::string_view> without_foreign_fields(std::string_view message)
{
    std::vector<std::string_view> out;
    std::size_t begin = 0;
    for (const auto& field : mail::foreign_mgw_fields(message)) {
        if (field.begin > begin)
            out.push_back(message.substr(begin, field.begin - begin));
        begin = field.end;
    }
    if (begin < message.size())
        out.push_back(message.substr(begin));
    return out;
}

std::size_t received_count(std::string_view message, const Limits& limits)
{
    return mail::Message(header_section(message, limits), limits).find_all("Received").size();
}

std::string missing_fields(const Arrival& arrival, std::string_view message, const Limits& limits)
{
    const mail::Message header(header_section(message, limits), limits);
    std::string out;
    if (header.find_all("Date").empty())
        out += "Date: " + rfc5322_date(arrival.time) + "\r\n";
    if (header.find_all("Message-ID").empty())
        out += "Message-ID: <" + to_lower(arrival.id) + "@" + arrival.hostname + ">\r\n";
    return out;
}

LaneFrame stamped_frame(const Arrival& arrival, const ServerEnvelope& envelope, Spool spool)
{
    LaneFrame frame;
    frame.id = arrival.id;
    frame.spool = std::move(spool);
    frame.pieces = without_foreign_fields(frame.spool.view());
    auto received = received_field(arrival, envelope);
    if (arrival.submitted)
        received += missing_fields(arrival, frame.spool.view());
    const auto block = stamped_block(arrival, envelope).text();
    std::size_t octets = received.size();
    for (const auto piece : frame.pieces)
        octets += piece.size();
    frame.head = "MGW1 " + arrival.id + " 1\n" + std::to_string(block.size()) + ' ' + std::to_string(octets) + '\n' +
                 block + received;
    frame.tail = "END " + arrival.id + '\n';
    return frame;
}

} // namespace mgw::smtp
