#include "lib/monitor/event.hpp"

#include "lib/core/text.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t most_fields = 256;
constexpr std::size_t most_items = 1000;
constexpr std::size_t deepest = 32;

/// One pass over a line. Each function leaves `at_` behind what it read and returns false on a mistake.
class Parser {
public:
    explicit Parser(std::string_view line) : in_(line) {}

    bool object(Event& event)
    {
        if (!take('{'))
            return false;
        if (!take('}')) {
            do {
                Event::Field field;
                if (!string(field.key) || !take(':') || !value(field))
                    return false;
                if (event.fields().size() < most_fields && (field.is_list || !field.values.empty()))
                    event.add(std::move(field));
            } while (take(','));
            if (!take('}'))
                return false;
        }
        blanks();
        return at_ == in_.size();
    }

private:
    void blanks()
    {
        while (at_ < in_.size() && (is_blank(in_[at_]) || in_[at_] == '\r' || in_[at_] == '\n'))
            ++at_;
    }
    bool take(char c)
    {
        blanks();
        if (at_ == in_.size() || in_[at_] != c)
            return false;
        ++at_;
        return true;
    }
    char next()
    {
        blanks();
        return at_ < in_.size() ? in_[at_] : '\0';
    }

    bool hex4(std::uint32_t& code)
    {
        if (in_.size() - at_ < 4)
            return false;
        const char* const begin = in_.data() + at_;
        const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
        if (error != std::errc{} || end != begin + 4)
            return false;
        at_ += 4;
        return true;
    }

    bool escape(std::string& out)
    {
        if (at_ == in_.size())
            return false;
        constexpr std::string_view names = "\"\\/bfnrt";
        constexpr std::string_view octets = "\"\\/\b\f\n\r\t";
        const char c = in_[at_++];
        if (const auto which = names.find(c); which != std::string_view::npos) {
            out += octets[which];
            return true;
        }
        std::uint32_t code = 0;
        if (c != 'u' || !hex4(code))
            return false;
        if (code >= 0xD800 && code < 0xDC00 && in_.substr(at_, 2) == "\\u") {
            const auto before = at_;
            std::uint32_t low = 0;
            at_ += 2;
            if (!hex4(low))
                return false;
            if (low >= 0xDC00 && low < 0xE000)
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            else
                at_ = before;
        }
        append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code); // half a pair is no character
        return true;
    }

    bool string(std::string& out)
    {
        if (!take('"'))
            return false;
        while (at_ < in_.size()) {
            const char c = in_[at_++];
            if (c == '"')
                return true;
            if (static_cast<unsigned char>(c) < 0x20 || (c == '\\' && !escape(out)))
                return false;
            if (c != '\\')
                out += c;
        }
        return false;
    }

    /// A number, true, false or null, as it stands.
    bool literal(std::string& out)
    {
        blanks();
        const auto begin = at_;
        while (at_ < in_.size() && (is_digit(in_[at_]) || (in_[at_] >= 'a' && in_[at_] <= 'z') || in_[at_] == '-' ||
                                    in_[at_] == '+' || in_[at_] == '.' || in_[at_] == 'E'))
            ++at_;
        const auto word = in_.substr(begin, at_ - begin);
        out = word;
        if (word == "true" || word == "false" || word == "null")
            return true;
        double number = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        const auto digits = word.starts_with('-') ? word.substr(1) : word;
        return !digits.empty() && is_digit(digits[0]) && end == word.data() + word.size() &&
               (error == std::errc{} || error == std::errc::result_out_of_range);
    }

    bool scalar(std::string& out) { return next() == '"' ? string(out) : literal(out); }

    bool value(Event::Field& field)
    {
        const char c = next();
        if (c == '{')
            return skip();
        if (c != '[')
            return scalar(field.values.emplace_back());
        field.is_list = true;
        ++at_;
        if (take(']'))
            return true;
        do {
            std::string item;
            const char first = next();
            if (first == '{' || first == '[') {
                if (!skip())
                    return false;
            } else if (!scalar(item)) {
                return false;
            } else if (field.values.size() < most_items) {
                field.values.push_back(std::move(item));
            }
        } while (take(','));
        return take(']');
    }

    /// A nested value that nobody asks for. The stack is a text of closing brackets, not the call stack.
    bool skip()
    {
        std::string open;
        std::string unused;
        do {
            const char c = next();
            if (c == '{' || c == '[') {
                if (open.size() == deepest)
                    return false;
                ++at_;
                open += c == '{' ? '}' : ']';
                if (next() != open.back()) {
                    if (c == '{' && !member())
                        return false;
                    continue;
                }
            } else if (unused.clear(); !scalar(unused)) {
                return false;
            }
            while (!open.empty() && take(open.back()))
                open.pop_back();
            if (!open.empty() && (!take(',') || (open.back() == '}' && !member())))
                return false;
        } while (!open.empty());
        return true;
    }
    bool member()
    {
        std::string unused;
        return string(unused) && take(':');
    }

    std::string_view in_;
    std::size_t at_ = 0;
};

} // namespace

const Event::Field* Event::find(std::string_view key) const
{
    for (const auto& field : fields_)
        if (field.key == key)
            return &field;
    return nullptr;
}

std::string_view Event::text(std::string_view key) const
{
    const auto* const field = find(key);
    return field != nullptr && !field->values.empty() ? std::string_view(field->values[0]) : std::string_view{};
}

std::optional<double> Event::number(std::string_view key) const
{
    const auto word = text(key);
    double out = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
    if (word.empty() || error != std::errc{} || end != word.data() + word.size() || !std::isfinite(out))
        return std::nullopt;
    return out;
}

const std::vector<std::string>& Event::list(std::string_view key) const
{
    static const std::vector<std::string> none;
    const auto* const field = find(key);
    return field != nullptr ? field->values : none;
}

void Event::add(Field field)
{
    fields_.push_back(std::move(field));
}

std::optional<Event> parse_event(std::string_view line)
{
    Event event;
    if (!is_valid_utf8(line) || !Parser(line).object(event))
        return std::nullopt;
    return event;
}

std::string quoted(std::string_view text)
{
    std::string out = "\"";
    for (const char c : shown(text, 1000)) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out += '"';
}

} // namespace mgw::monitor
