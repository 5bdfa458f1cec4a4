#pragma once

#include "lib/core/random.hpp"
#include "lib/core/result.hpp"
#include "lib/mail/edits.hpp"
#include "lib/mail/parts.hpp"

#include <cstddef>
#include <optional>
#include <string_view>

namespace mgw::mail
{

/// Where a part stands in the octets of the message.
struct Place {
    std::size_t begin = 0; ///< first octet of its header
    std::size_t body = 0;  ///< first octet of its body
    std::size_t end = 0;   ///< past its body, before the line end of the delimiter that follows
};

/// Place of a part; nothing when it stands inside a message or multipart that was decoded, or has neither header nor
/// body to say where it would be.
std::optional<Place> place_of(std::string_view octets, const Part& part);

/// multipart/signed (RFC 1847) and PKCS #7 (RFC 8551): what is inside is under a signature or encrypted.
bool is_sealed(const Part& part);
/// Index of the outermost sealed part that holds part `index`; `index` itself counts only `with_self`.
std::optional<std::size_t> seal_around(const Parts& parts, std::size_t index, bool with_self);

/// Changes of parts, as splices on the message's octets. An `entity` is a part as it stands between delimiters: header,
/// empty line, body, without a last line end; its line ends become the message's. All of them refuse (Status::data)
/// what lies inside a sealed part or an encoded one, and an entity with a line that a multipart around it would take
/// for its delimiter. What they do not name stays identical to the octet.
class PartEdits {
public:
    PartEdits(const Message& message, const Parts& parts, Edits& edits)
        : message_(message), parts_(parts), edits_(edits)
    {}

    /// Puts `body`, already encoded as the part's header says, in the place of the body of part `index`.
    Result<void> replace_body(std::size_t index, std::string_view body);
    /// Puts `entity` in the place of part `index`: a notice for an attachment. Not for the message itself.
    Result<void> replace(std::size_t index, std::string_view entity);
    enum class Where : char { first, last };
    /// Puts `entity` before the first or behind the last part of the multipart `index`, which must have one.
    Result<void> add(std::size_t index, std::string_view entity, Where where);
    /// Makes the message a multipart/mixed of what it was, untouched even where it is signed, and `entity`. Only the
    /// Content-* fields move, as they stand, into the first part.
    Result<void> wrap(std::string_view entity, Where where, Random& random);

private:
    Result<Place> open_place(std::size_t index, bool with_self) const;
    Result<std::string> fitted(std::size_t index, std::string_view entity) const;

    const Message& message_;
    const Parts& parts_;
    Edits& edits_;
};

} // namespace mgw::mail
