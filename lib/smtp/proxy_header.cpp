#include "lib/smtp/proxy_header.hpp"

#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

constexpr std::string_view signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t longest_line = 107; // of version 1, with CRLF
constexpr std::size_t fixed_octets = 16;  // of version 2: signature, command, family, length

using Read = Result<std::optional<ProxyHeader>>;

Read no_header(std::string what)
{
    return fail(Status::data, "no PROXY header: " + std::move(what));
}

bool is_port(std::string_view text)
{
    const auto number = parse_number(text);
    return number && *number <= 65535 && std::to_string(*number) == text;
}

Read read_line(std::string_view octets)
{
    const auto end = octets.substr(0, longest_line).find("\r\n");
    if (end == std::string_view::npos)
        return octets.size() >= longest_line ? no_header("the line is too long") : Read(std::nullopt);
    ProxyHeader out{end + 2, false, {}};
    const auto words = split(octets.substr(0, end), ' ');
    if (words.size() >= 2 && words[1] == "UNKNOWN")
        return out;
    if (words.size() != 6 || (words[1] != "TCP4" && words[1] != "TCP6"))
        return no_header("neither TCP4, TCP6 nor UNKNOWN with its values");
    const auto client = parse_ip(words[2]);
    const auto server = parse_ip(words[3]);
    const bool four = words[1] == "TCP4";
    const auto fits = [&](const auto& address, std::string_view text) { return address && text.contains(':') != four; };
    if (!fits(client, words[2]) || !fits(server, words[3]) || !is_port(words[4]) || !is_port(words[5]))
        return no_header("its addresses or ports cannot be read");
    out.has_client = true;
    out.client_ip = client->text();
    return out;
}

std::string address_text(std::string_view octets, bool four)
{
    IpAddress address;
    address.is_v4 = four;
    std::ranges::copy(octets, address.octets.begin());
    // ::ffff:192.0.2.1 is the IPv4 client that it is
    return four ? address.text() : parse_ip(address.text()).value_or(address).text();
}

Read read_binary(std::string_view octets)
{
    if (octets.size() < fixed_octets)
        return std::nullopt;
    const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(octets[i]); };
    const unsigned command = octet(12);
    const unsigned family = octet(13);
    const std::size_t length = octet(14) * 256U + octet(15);
    if (command != 0x20 && command != 0x21)
        return no_header("its version or command is not known");
    if (fixed_octets + length > proxy_header_octets)
        return no_header("it is too long");
    ProxyHeader out{fixed_octets + length, false, {}};
    const bool four = family == 0x11;
    const bool has_addresses = command == 0x21 && (four || family == 0x21);
    if (has_addresses && length < (four ? 12U : 36U))
        return no_header("it is too short for its addresses");
    if (octets.size() < out.octets)
        return std::nullopt;
    if (has_addresses) {
        out.has_client = true;
        out.client_ip = address_text(octets.substr(fixed_octets, four ? 4 : 16), four);
    }
    return out;
}

} // namespace

Result<std::optional<ProxyHeader>> read_proxy_header(std::string_view octets)
{
    constexpr std::string_view word = "PROXY ";
    if (octets.starts_with(signature))
        return read_binary(octets);
    if (octets.starts_with(word))
        return read_line(octets);
    if (signature.starts_with(octets) || word.starts_with(octets))
        return std::nullopt;
    return no_header("it begins with something else");
}

} // namespace mgw::smtp
