#include "lib/auth/authres.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size)
{
    const std::string text(reinterpret_cast<const char*>(octets), size);
    static_cast<void>(mgw::auth::claims(text, "mx.example.org"));
    // whatever comes in, what goes out is one field that is ours
    const auto field =
        mgw::auth::results_field("mx.example.org", {{"spf", "pass", text, text, {{"smtp.mailfrom", text}}}});
    const mgw::mail::Message message(field);
    if (message.fields().size() != 1 || mgw::auth::forged_results(message, "mx.example.org").size() != 1)
        std::abort();
    return 0;
}
