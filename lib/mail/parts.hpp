#pragma once

#include "lib/mail/content_type.hpp"
#include "lib/mail/message.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

enum class Encoding : char { identity, base64, quoted_printable, uuencode, unknown };

/// One MIME part (RFC 2046). Offsets are into the octets that were indexed, or into `Parts::decoded` of its owner when
/// the part stands inside a message that was encoded.
struct Part {
    int parent = -1;                 ///< index of the part that contains this one, -1 for the message itself
    const Part* container = nullptr; ///< the same part; valid as long as its Parts
    std::size_t depth = 0;
    std::size_t number = 1;  ///< among the parts of its container
    std::string_view header; ///< with its fields, without the empty line
    std::string_view body;   ///< as transferred, without the line end before the next delimiter
    ContentType type;        ///< text/plain when none is given, message/rfc822 inside multipart/digest
    Encoding encoding = Encoding::identity;
    std::string encoding_name;           ///< lower case, as given
    std::string disposition;             ///< "attachment", "inline", or empty
    std::vector<std::string> file_names; ///< every candidate, decoded to UTF-8: filename, name, in that order
    std::string content_id;
    Oddity oddities = Oddity::none; ///< of its header, and of the delimiters in it
    bool is_multipart = false;
    bool is_message = false;

    /// "1.2": the position as people write it; "1" for the message itself.
    std::string path() const;
};

/// The part tree of a message, in order of appearance; the first element is the message itself. Built without recursion
/// in one pass over the lines: twice the octets, parts or levels take twice the time.
class Parts {
public:
    explicit Parts(const Message& message, const Limits& limits = {});
    const std::vector<Part>& all() const { return parts_; }
    Oddity oddities() const { return oddities_; }

private:
    class Reader;

    std::vector<Part> parts_;
    std::vector<std::unique_ptr<std::string>> decoded_;
    Oddity oddities_ = Oddity::none;
};

/// The content of a part with its transfer encoding removed, at most `limit_octets`. `complete` is set to false when
/// the limit cut it or the encoding was damaged.
std::string decode(const Part& part, std::size_t limit_octets, bool* complete = nullptr);

/// What a Content-Transfer-Encoding in lower case stands for.
Encoding parse_encoding(std::string_view name);

} // namespace mgw::mail
