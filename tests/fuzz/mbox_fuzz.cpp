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
            out.push_back(std::string(entry->prefix).append(entry->text).append(entry->trailer));
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

/// The messages of an mbox, without quoting, each ended by a line end.
std::vector<std::string> messages(std::string_view octets)
{
    mgw::mail::MboxReader reader;
    reader.feed(octets);
    reader.finish();
    std::vector<std::string> out;
    while (auto entry = reader.next()) {
        out.push_back(entry->quoted ? mgw::mail::mboxrd_unquote(entry->text) : std::string(entry->text));
        if (!out.back().ends_with('\n'))
            out.back() += '\n';
    }
    return out;
}

/// Messages as an mboxrd that no Content-Length can mislead anybody about.
std::string mboxrd(const std::vector<std::string>& messages)
{
    std::string out;
    for (const auto& message : messages)
        out += "From a@b Tue Nov 24 10:00:00 2026\nMgw-Id: x\n" + mgw::mail::mboxrd_quote(message) + "\n";
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
    // what is written as mboxrd is read as the same messages
    auto written = messages(octets);
    const auto again = messages(mboxrd(written));
    for (auto& message : written)
        message.insert(0, "Mgw-Id: x\n");
    if (again != written)
        std::abort();
    if (mgw::mail::find_from_line(octets) != octets.find("\nFrom "))
        std::abort();
    for (const bool but_fields : {false, true})
        if (mgw::mail::mboxrd_unquote(mgw::mail::mboxrd_quote(octets, but_fields)) != octets)
            std::abort();
    (void)mgw::mail::has_from_field(octets);
    return 0;
}
