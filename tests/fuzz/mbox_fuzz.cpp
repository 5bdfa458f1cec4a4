#include "lib/mail/mbox.hpp"

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace
{

std::vector<std::string> read(std::string_view octets, std::size_t piece)
{
    mgw::mail::MboxReader reader;
    std::vector<std::string> out;
    const auto take = [&] {
        while (auto entry = reader.next())
            out.push_back(entry->prefix + entry->text + entry->trailer);
    };
    while (!octets.empty()) {
        const auto some = octets.substr(0, piece);
        octets.remove_prefix(some.size());
        reader.feed(some);
        take();
    }
    reader.finish();
    take();
    return out;
}

} // namespace

/// An mbox is cut alike however it comes in, and no octet is lost.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const std::size_t piece = 1 + data[0] % 64;
    const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto entries = read(octets, octets.size() + 1);
    std::string all;
    for (const auto& entry : entries)
        all += entry;
    if (all != octets || read(octets, piece) != entries)
        std::abort();
    if (mgw::mail::mboxrd_unquote(mgw::mail::mboxrd_quote(octets)) != octets)
        std::abort();
    return 0;
}
