#include "lib/auth/dkim.hpp"

#include <cstddef>
#include <cstdint>

namespace
{

/// Answers every question with the text behind the first NUL of the input, so that key records are fuzzed as well.
class Echo : public mgw::dns::Resolver {
public:
    explicit Echo(std::string_view text) : text_(text) {}
    mgw::dns::Answer query(std::string_view, mgw::dns::Type) override
    {
        return {mgw::dns::Code::ok, {{std::string(text_), 0}}, 0, false};
    }
    std::string describe() const override { return "echo"; }

private:
    std::string_view text_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size)
{
    static mgw::auth::DkimVerifier verifier;
    const std::string_view input(reinterpret_cast<const char*>(octets), size);
    const auto nul = input.find('\0');
    Echo resolver(nul == std::string_view::npos ? std::string_view{} : input.substr(nul + 1));
    const mgw::mail::Message message(input.substr(0, nul));
    static_cast<void>(verifier.verify(message, resolver, mgw::Time{std::chrono::seconds(1795500000)}));
    return 0;
}
