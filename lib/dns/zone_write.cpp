#include "lib/dns/zone_text.hpp"

#include "lib/core/text.hpp"
#include "lib/dns/name.hpp"

namespace mgw::dns
{
namespace
{

std::string escape(std::string_view octets, std::string_view plain)
{
    std::string out;
    for (const char c : octets) {
        const auto u = static_cast<unsigned char>(c);
        const bool alphanumeric = is_digit(c) || is_letter(c);
        if (alphanumeric || plain.contains(c)) {
            out += c;
        } else {
            out += '\\';
            out += static_cast<char>('0' + u / 100);
            out += static_cast<char>('0' + u / 10 % 10);
            out += static_cast<char>('0' + u % 10);
        }
    }
    return out;
}

std::string name_text(std::string_view name)
{
    return escape(name, "-_.") + ".";
}

std::string rdata_text(Type type, const Data& data)
{
    switch (type) {
    case Type::a:
    case Type::aaaa:
        return data.data;
    case Type::txt:
        return '"' + escape(data.data, " !#$%&'()*+,-./:;<=>?@[]^_`{|}~") + '"';
    case Type::mx:
        return std::to_string(data.preference) + " " + name_text(data.data);
    case Type::soa:
        return name_text(data.data) + " . 0 0 0 0 0";
    case Type::tlsa: {
        const auto number = [&](std::size_t i) {
            return std::to_string(static_cast<unsigned char>(data.data[i])) + " ";
        };
        if (data.data.size() < 4)
            return {};
        return number(0) + number(1) + number(2) + hex(std::string_view(data.data).substr(3));
    }
    default:
        return name_text(data.data);
    }
}

std::string_view outcome_word(Code code)
{
    switch (code) {
    case Code::servfail:
        return "SERVFAIL";
    case Code::timeout:
        return "TIMEOUT";
    case Code::no_name:
        return "NXDOMAIN";
    default:
        return "NODATA";
    }
}

} // namespace

std::string zone_lines(std::string_view name, Type type, const Answer& answer)
{
    if (!is_name(name) || answer.code == Code::malformed)
        return {};
    const auto ttl = " " + std::to_string(answer.ttl_seconds) + " ";
    auto begin = name_text(name) + ttl;
    std::string lines;
    if (is_name(answer.canonical) && !iequals(answer.canonical, name) && answer.code == Code::ok) {
        lines += begin + "CNAME " + name_text(answer.canonical) + "\n";
        if (answer.secure)
            lines += begin + "SECURE " + std::string(type_name(type)) + "\n";
        begin = name_text(answer.canonical) + ttl; // a chain of aliases as one
    }
    if (answer.code != Code::ok)
        lines += begin + std::string(outcome_word(answer.code)) + " " + std::string(type_name(type)) + "\n";
    for (const auto& record : answer.records)
        if (const auto rdata = rdata_text(type, record); !rdata.empty())
            lines += begin + std::string(type_name(type)) + " " + rdata + "\n";
    if (answer.secure)
        lines += begin + "SECURE " + std::string(type_name(type)) + "\n";
    return lines;
}

} // namespace mgw::dns
