#pragma once

#include "lib/core/limits.hpp"
#include "lib/mail/oddity.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// One header field (RFC 5322 section 2.2): offsets into the message, so that edits are splices on the original octets.
struct Field {
    std::size_t begin = 0;       ///< first octet of the name
    std::size_t name_end = 0;    ///< past the last octet of the name, before blanks and the colon
    std::size_t value_begin = 0; ///< past the colon
    std::size_t end = 0;         ///< past the field's last line end
};

class Boundaries;

/// A message: the original octets and an index of its header. The octets are borrowed and must outlive the index.
class Message {
public:
    explicit Message(std::string_view octets, const Limits& limits = {});
    /// A part that begins where `octets` begin, inside the multiparts whose boundaries are `open`: a delimiter line
    /// ends its header, as an empty line does. What is in `octets` behind the header may reach over the part's end.
    Message(std::string_view octets, const Limits& limits, const Boundaries& open);

    std::string_view octets() const { return octets_; }
    /// The header section without the empty line that ends it.
    std::string_view header() const { return octets_.substr(0, header_end_); }
    /// What follows the empty line; empty if there is none.
    std::string_view body() const { return octets_.substr(body_begin_); }
    std::size_t header_end() const { return header_end_; }
    std::size_t body_begin() const { return body_begin_; }
    /// Where the delimiter line begins that ended the header; npos if none did.
    std::size_t delimiter() const { return delimiter_; }
    /// "\r\n" or "\n": what the first line ends in; "\n" for a message without line ends.
    std::string_view line_end() const { return line_end_; }
    Oddity oddities() const { return oddities_; }
    /// Those of the header and what is odd about lines and octets anywhere: NUL, bare CR, bare LF.
    Oddity all_oddities() const;

    const std::vector<Field>& fields() const { return fields_; }
    std::string_view name(const Field& f) const { return octets_.substr(f.begin, f.name_end - f.begin); }
    /// The value as it stands, folded, without its last line end.
    std::string_view raw_value(const Field& f) const;
    /// The value unfolded (RFC 5322 section 2.2.3) and trimmed.
    std::string value(const Field& f) const;
    /// The whole field with its line ends.
    std::string_view raw(const Field& f) const { return octets_.substr(f.begin, f.end - f.begin); }

    /// The first field of that name (without regard to case), or nullptr.
    const Field* find(std::string_view name) const;
    std::vector<const Field*> find_all(std::string_view name) const;
    /// Value of the first field of that name, unfolded; nothing if there is none.
    std::optional<std::string> value_of(std::string_view name) const;

private:
    void index(const Limits& limits, const Boundaries* open);
    void index_header(const Limits& limits, const Boundaries* open);

    std::string_view octets_;
    std::string_view line_end_ = "\n";
    std::size_t header_end_ = 0;
    std::size_t body_begin_ = 0;
    std::size_t delimiter_ = std::string_view::npos;
    Oddity oddities_ = Oddity::none;
    std::vector<Field> fields_;
};

/// Unfolds a raw value: every line end followed by a blank goes away, the rest stays; trimmed at both ends.
std::string unfold(std::string_view raw_value);

/// Octets of a leading "From " line (mbox separator, put first by procmail or local(8)), with its line end; 0 if none.
std::size_t from_line_octets(std::string_view octets);

} // namespace mgw::mail
