#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::monitor
{

/// One record as read back: a flat JSON object. Scalars have one value, lists several; nested values are left out.
class Event {
public:
    struct Field {
        std::string key;
        std::vector<std::string> values; ///< text decoded, numbers and literals as they stood
        bool is_list = false;
    };

    /// The first value of `key`, or an empty text. Of equal keys the first counts.
    std::string_view text(std::string_view key) const;
    /// A finite number, where the value is one.
    std::optional<double> number(std::string_view key) const;
    /// All values of `key`.
    const std::vector<std::string>& list(std::string_view key) const;
    bool has(std::string_view key) const { return find(key) != nullptr; }

    const std::vector<Field>& fields() const { return fields_; }
    void add(Field field);

private:
    const Field* find(std::string_view key) const;
    std::vector<Field> fields_;
};

/// Reads a line as one JSON object (RFC 8259), in linear time and without recursion. Nothing for what is no object, is
/// nested deeper than 32, or is not valid UTF-8. Fields past 256 and list items past 1000 are left out.
std::optional<Event> parse_event(std::string_view line);

/// `text` as a JSON string with its quotes; `text` is shown() first.
std::string quoted(std::string_view text);

} // namespace mgw::monitor
