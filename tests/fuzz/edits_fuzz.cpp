#include "lib/mail/diff.hpp"
#include "lib/mail/edits_json.hpp"

#include <cstdint>
#include <cstdlib>

namespace
{

void require(bool condition)
{
    if (!condition)
        std::abort();
}

} // namespace

/// The reader of edits on any text; and what must hold of any two messages: the difference turns one into the other and
/// back, survives its JSON, and joins with the next one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw;
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    (void)mail::changes_from_json(octets);
    if (octets.starts_with('{'))
        return 0;
    const auto cut = octets.find('\x01'); // two messages, or one and what it is without every third line
    const std::string before(octets.substr(0, cut));
    std::string after;
    if (cut != std::string_view::npos) {
        after = octets.substr(cut + 1);
    } else {
        std::size_t line = 0;
        for (std::size_t at = 0; at < before.size(); ++line) {
            const auto end = std::min(before.find('\n', at), before.size() - 1) + 1;
            if (line % 3 != 2)
                after += before.substr(at, end - at);
            at = end;
        }
    }
    const auto there = mail::diff(before, after);
    require(mail::replay(there, before).value() == after);
    require(mail::replay(mail::reversed(there), after).value() == before);
    require(there.empty() == (before == after));
    const auto read = mail::changes_from_json(mail::to_json(there));
    require(read && read->size() == 1 && mail::replay(read->front(), before).value() == after);
    const auto back = mail::joined(there, mail::reversed(there));
    require(back && back->empty());
    const std::string third = after + before;
    const auto whole = mail::joined(there, mail::diff(after, third));
    require(whole && mail::replay(*whole, before).value() == third);
    return 0;
}
