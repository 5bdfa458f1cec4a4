#include "lib/lists/iprev.hpp"

#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"

namespace mgw::lists
{

IprevResult check_iprev(std::string_view ip, dns::Resolver& resolver, std::size_t limit)
{
    IprevResult out;
    const auto address = parse_ip(ip);
    if (!address) {
        out.trace.push_back(ip.empty() ? "iprev: the client's address is not known"
                                       : "iprev: not an address: " + printable_ascii(ip, 60));
        return out;
    }
    const auto reverse = dns::reverse_name(address->text());
    const auto names = resolver.query(reverse, dns::Type::ptr);
    out.trace.push_back("iprev: PTR " + reverse + " -> " + std::string(dns::code_name(names.code)));
    if (names.code != dns::Code::ok) {
        // no name at all is permerror by RFC 8601 section 3
        out.result = dns::is_temporary(names.code) ? "temperror" : "permerror";
        return out;
    }
    const auto type = address->is_v4 ? dns::Type::a : dns::Type::aaaa;
    for (std::size_t i = 0; i < names.records.size() && i < limit; ++i)
        resolver.prefetch(names.records[i].data, type);
    bool temporary = false;
    out.name = printable_ascii(names.records.front().data, 253);
    for (std::size_t i = 0; i < names.records.size() && i < limit; ++i) {
        const auto& name = names.records[i].data;
        const auto back = resolver.query(name, type);
        out.trace.push_back("iprev: " + std::string(dns::type_name(type)) + " " + printable_ascii(name, 253) + " -> " +
                            std::string(dns::code_name(back.code)));
        temporary = temporary || dns::is_temporary(back.code);
        for (const auto& record : back.records)
            if (parse_ip(record.data) == address) {
                out.result = "pass";
                out.name = printable_ascii(name, 253);
                return out;
            }
    }
    out.result = temporary ? "temperror" : "fail";
    return out;
}

} // namespace mgw::lists
