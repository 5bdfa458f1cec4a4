// PROXY headers and the arguments of XCLIENT: no crash, and what is read does not depend on what follows.
#include "lib/smtp/proxy_header.hpp"
#include "lib/smtp/xclient.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string octets(reinterpret_cast<const char*>(data), size);
    const auto read = mgw::smtp::read_proxy_header(octets);
    if (read && *read) {
        if ((*read)->octets > size)
            std::abort();
        const auto again = mgw::smtp::read_proxy_header(octets.substr(0, (*read)->octets));
        if (!again || !*again || (*again)->client_ip != (*read)->client_ip)
            std::abort();
    }
    static_cast<void>(mgw::smtp::parse_xclient(octets));
    static_cast<void>(mgw::smtp::parse_xclient(octets, true));
    return 0;
}
