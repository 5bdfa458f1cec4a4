// Replies of DNS servers. The first octet chooses the type that was asked for.
#include "lib/dns/message.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::dns;
    static constexpr std::array types{Type::a,   Type::aaaa,  Type::txt,  Type::mx,
                                      Type::ptr, Type::cname, Type::tlsa, Type::soa};
    if (size == 0)
        return 0;
    const auto type = types[data[0] % types.size()];
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    parse_reply(rest, "example.net", type);
    // The same octets behind a header and a question that fit.
    auto message = build_query("example.net", type, 1).substr(0, 29);
    message[2] = static_cast<char>(0x81);
    message[7] = 9;
    message[11] = 0;
    message += rest;
    parse_reply(message, "example.net", type);
    return 0;
}
