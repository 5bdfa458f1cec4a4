#pragma once

#include "lib/core/limits.hpp"
#include "lib/mail/message.hpp"
#include "lib/mail/parts.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// Who sees a content: `strict` reads by the letter of the RFCs, `lenient` as one mail program or another does,
/// `raw` takes what looks encoded wherever it stands.
enum class Reading : char { strict, lenient, raw };
std::string_view reading_name(Reading reading);

/// One content that some program may see in a message.
struct Content {
    Reading reading = Reading::strict;
    const Part* part = nullptr;          ///< of the strict reading, null in the others
    std::string_view octets;             ///< decoded; valid during the call
    std::string way;                     ///< how it was decoded: "base64, padding ends all"; empty if strict
    Oddity why = Oddity::none;           ///< of the message, or those of its decoding
    std::size_t begin = 0;               ///< what was decoded, in the octets of the message
    std::size_t end = 0;                 ///< or, where `is_inside`, in those of something decoded
    bool is_inside = false;              ///< it stands inside something that was itself decoded
    std::vector<std::string> file_names; ///< every candidate, UTF-8
    std::string type;                    ///< as declared, lower case
    bool is_complete = true;             ///< false: damaged, or cut
    bool is_cut = false;                 ///< a limit cut it

    /// "part 1.2", "octets 120 to 480, lenient (base64, padding ends all)"
    std::string describe() const;
};

/// What came of giving out all contents.
struct ReadingsSummary {
    std::size_t contents = 0;       ///< given out
    std::size_t more = 0;           ///< of these, what the strict reading does not see
    bool is_cut = false;            ///< limits kept some from being looked for
    Oddity oddities = Oddity::none; ///< of the message, its parts and their encodings
};

/// Gives out each content of a message: those of the strict reading, and where the message is ambiguous those that
/// others may see as well. Equal contents come once, unless a later one has other file names. Bounds: what is decoded
/// altogether (for the strict reading Limits::decoded_factor times the message or 64 KiB, for all others four times as
/// much, of 512 KiB at least), the number of parts (Limits::parts), and a fixed number of readings for each; time grows
/// as the octets do. Mail without oddities costs no more than its parts.
ReadingsSummary for_each_content(const Message& message, const Parts& parts, const Limits& limits,
                                 const std::function<void(const Content&)>& give);

} // namespace mgw::mail
