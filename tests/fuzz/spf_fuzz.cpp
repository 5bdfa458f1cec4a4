// SPF records and explanations through the whole check, libspf2 included. Lines of the input: sender, HELO, then texts
// that the names asked for get in turn.
#include "lib/auth/spf.hpp"
#include "lib/core/text.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace
{

class Hostile final : public mgw::dns::Resolver {
public:
    explicit Hostile(std::vector<std::string_view> texts) : texts_(std::move(texts)) {}

    mgw::dns::Answer query(std::string_view name, mgw::dns::Type type) override
    {
        using namespace mgw::dns;
        if (++questions_ > 200)
            std::abort(); // RFC 7208 section 4.6.4 bounds them far below
        if (type == Type::txt) {
            if (texts_.empty())
                return {};
            return {.code = Code::ok, .records = {{std::string(texts_[next_++ % texts_.size()])}}};
        }
        switch (name.size() % 5) {
        case 0:
            return {.code = Code::no_name};
        case 1:
            return {.code = name.size() % 2 != 0 ? Code::servfail : Code::no_data};
        default:
            return {.code = Code::ok,
                    .records = {{type == Type::a      ? "192.0.2.1"
                                 : type == Type::aaaa ? "2001:db8::1"
                                                      : "host.example.net"}}};
        }
    }
    std::string describe() const override { return "hostile"; }

private:
    std::vector<std::string_view> texts_;
    std::size_t next_ = 0;
    unsigned questions_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto lines = mgw::split(text, '\n');
    if (lines.size() < 3)
        return 0;
    const mgw::auth::SpfQuery query{.ip = size % 2 != 0 ? "192.0.2.1" : "2001:db8::1",
                                    .helo = std::string(lines[1]),
                                    .mail_from = std::string(lines[0]),
                                    .receiver = "mx.example.org"};
    Hostile resolver({lines.begin() + 2, lines.end()});
    const auto result = mgw::auth::check_spf(query, resolver);
    const auto field = mgw::auth::received_spf(query, result);
    if (result.result.empty() || !field.ends_with("\r\n"))
        std::abort();
    return 0;
}
