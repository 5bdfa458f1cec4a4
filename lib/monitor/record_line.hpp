#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::monitor
{

/// One record as read from a log: a JSON object (RFC 8259) on one line. Lines are hostile: they are read in one pass
/// without recursion, and what nests is skipped.
class RecordLine {
public:
    struct Value {
        bool is_text = false; ///< a string; else a number, true, false, null, as it stands
        bool is_list = false;
        std::string text;
        std::vector<std::string> items; ///< strings of a list, at most 1,000
    };

    /// Nothing when the line is not one JSON object, nests deeper than 64, or has more than 200 keys.
    static std::optional<RecordLine> parse(std::string_view line);

    /// Text of a string, number or word; empty if there is none of that name.
    std::string_view text(std::string_view key) const;
    std::optional<double> number(std::string_view key) const;
    const std::vector<std::string>& list(std::string_view key) const;
    const std::vector<std::pair<std::string, Value>>& fields() const { return fields_; }

private:
    const Value* find(std::string_view key) const;
    std::vector<std::pair<std::string, Value>> fields_;
};

} // namespace mgw::monitor
