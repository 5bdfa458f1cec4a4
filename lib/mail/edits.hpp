#pragma once

#include "lib/core/result.hpp"
#include "lib/mail/message.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::mail
{

/// Replace `removed` octets at `offset` of the original by `inserted`.
struct Splice {
    std::size_t offset = 0;
    std::size_t removed = 0;
    std::string inserted;
};

/// A set of changes to one message: splices on its original octets. Everything that no splice names stays identical.
class Edits {
public:
    bool empty() const { return splices_.empty(); }
    const std::vector<Splice>& splices() const { return splices_; }

    /// The splices from the beginning to the end of the original. Insertions at one offset keep the order of the calls
    /// and stand before what is replaced there.
    std::vector<const Splice*> in_order() const;

    void replace(std::size_t offset, std::size_t removed, std::string inserted);
    void insert(std::size_t offset, std::string inserted) { replace(offset, 0, std::move(inserted)); }
    /// Puts a field above all others. `field` is "Name: value" without a line end, folded with "\n" where it needs to
    /// be; the message's own line end is used. Several come in the order of the calls.
    void prepend_field(const Message& message, std::string_view field);
    /// Puts a field below all others.
    void append_field(const Message& message, std::string_view field);
    void remove_field(const Field& field) { replace(field.begin, field.end - field.begin, {}); }
    void replace_field(const Message& message, const Field& field, std::string_view text);

    /// The changed message. Splices that overlap are refused (a defect of the stage): Status::temp_fail.
    Result<std::string> apply(std::string_view original) const;

private:
    std::vector<Splice> splices_;
};

/// `field` with "\n" inside turned into `line_end` and one added at the end.
std::string field_lines(std::string_view field, std::string_view line_end);

/// Folds "Name: value" at blanks so that lines stay within `width` where they can (RFC 5322 section 2.2.3), with "\n ".
std::string fold(std::string_view field, std::size_t width = 78);

} // namespace mgw::mail
