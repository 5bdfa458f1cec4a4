// Definitions of DNS-based lists, and answers of lists that lie: the first line is a definition, the second what is
// asked, the others are answers. What comes out must be printable, and no refusal may ever be a listing.
#include "lib/core/text.hpp"
#include "lib/lists/dnsbl.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace
{

using namespace mgw;

/// Passes self-tests, and gives the input's answers to other questions.
class Liar final : public dns::Resolver {
public:
    explicit Liar(std::vector<std::string_view> answers) : answers_(std::move(answers)) {}
    dns::Answer query(std::string_view name, dns::Type /*type*/) override
    {
        dns::Answer out;
        if (name.starts_with("2.0.0.127.") || name.starts_with("2.0.0.0.0.0.f.7.f.f.f.f.") ||
            name.starts_with("test.")) {
            out.code = dns::Code::ok;
            out.records.push_back({.data = "127.0.0.2"});
        } else if (name.starts_with("1.0.0.127.") || name.starts_with("1.0.0.0.0.0.f.7.") ||
                   name.starts_with("invalid.")) {
            return out;
        }
        for (const auto answer : answers_)
            out.records.push_back({.data = std::string(answer)});
        out.code = out.records.empty() ? dns::Code::no_name : dns::Code::ok;
        return out;
    }
    std::string describe() const override { return "fuzz"; }

private:
    std::vector<std::string_view> answers_;
};

bool is_clean(std::string_view text)
{
    return std::ranges::all_of(text, [](char c) { return c >= 32 && c < 127; });
}

void check(const lists::DnsblResult& result, dns::Resolver& resolver)
{
    for (const auto& line : result.trace)
        if (!is_clean(line))
            __builtin_trap();
    for (const auto& failure : result.failures)
        if (!is_clean(failure.why))
            __builtin_trap();
    for (const auto& listing : result.listings) {
        if (!is_clean(listing.text()) || listing.codes.contains("127.255.255.") || !listing.codes.starts_with("127.") ||
            !is_clean(lists::Dnsbl::reason(resolver, listing)))
            __builtin_trap();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)lists::parse_dnsbl_lists(text, "fuzz");
    auto lines = split(text, '\n');
    auto list = lists::parse_dnsbl(lines[0]);
    if (!list)
        return 0;
    const std::string asked(lines.size() > 1 ? lines[1] : std::string_view{});
    lines.erase(lines.begin(), lines.begin() + std::min<std::ptrdiff_t>(2, static_cast<std::ptrdiff_t>(lines.size())));
    Liar resolver(lines);
    const lists::Dnsbl dnsbl({std::move(*list)});
    const Time now{};
    check(dnsbl.check_client(resolver, asked, now), resolver);
    check(dnsbl.check_domain(resolver, asked, now), resolver);
    return 0;
}
