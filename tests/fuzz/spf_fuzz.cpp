#include "lib/auth/spf.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace mgw;

namespace
{

/// A hostile DNS: TXT records are the lines of the input, one after the other, over and over; the other answers follow
/// from the name, and their data are lines, too, where names may stand.
class Hostile final : public dns::Resolver {
public:
    explicit Hostile(std::vector<std::string_view> lines) : lines_(std::move(lines)) {}

    dns::Answer query(std::string_view name, dns::Type type) override
    {
        dns::Answer answer;
        const auto last = name.empty() ? 0U : static_cast<unsigned char>(name.front());
        if (type != dns::Type::txt && last % 8 == 0) {
            answer.code = last % 16 == 0 ? dns::Code::servfail : dns::Code::no_name;
            return answer;
        }
        answer.code = dns::Code::ok;
        switch (type) {
        case dns::Type::a:
            answer.records = {{"192.0.2.1"}, {"127.0.0.1"}, {"192.0.2.7"}};
            break;
        case dns::Type::aaaa:
            answer.records = {{"2001:db8::1"}, {"::1"}};
            break;
        case dns::Type::mx:
            for (std::uint16_t i = 0; i < 12; ++i)
                answer.records.push_back({std::string(next()), i});
            break;
        default:
            answer.records = {{std::string(next())}};
        }
        return answer;
    }
    std::string describe() const override { return "hostile"; }

private:
    std::string_view next() { return lines_.empty() ? std::string_view{} : lines_[at_++ % lines_.size()]; }

    std::vector<std::string_view> lines_;
    std::size_t at_ = 0;
};

} // namespace

/// Three lines of the client (address, HELO, MAIL FROM), then what the DNS holds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size)
{
    auto lines = split(std::string_view(reinterpret_cast<const char*>(octets), size), '\n');
    if (lines.size() < 3)
        return 0;
    const auth::SpfQuery query{std::string(lines[0]), std::string(lines[1]), std::string(lines[2]), "mx.example.org"};
    Hostile resolver({lines.begin() + 3, lines.end()});
    const auto result = auth::check_spf(query, resolver);
    static constexpr std::array<std::string_view, 7> words{"pass", "fail",      "softfail", "neutral",
                                                           "none", "temperror", "permerror"};
    if (std::ranges::find(words, result.result) == words.end())
        std::abort();
    // RFC 7208 section 4.6.4: the eleventh term ends the check
    if (result.lookups > 11 || result.explanation != printable_ascii(result.explanation, result.explanation.size()))
        std::abort();
    const auto field = auth::received_spf(query, result);
    if (!field.ends_with("\r\n"))
        std::abort();
    for (std::size_t i = 0; i < field.size(); ++i) {
        const auto c = static_cast<unsigned char>(field[i]);
        const bool fold = c == '\r' && i + 1 < field.size() && field[i + 1] == '\n';
        const bool end =
            c == '\n' && i > 0 && field[i - 1] == '\r' && (i + 1 == field.size() || is_blank(field[i + 1]));
        if (!fold && !end && c != '\t' && (c < 0x20 || c > 0x7e))
            std::abort();
    }
    return 0;
}
