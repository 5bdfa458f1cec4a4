#include "lib/monitor/record_line.hpp"

#include "lib/core/text.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t most_keys = 200;
constexpr std::size_t most_items = 1000;
constexpr std::size_t most_nesting = 64;

class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    void blanks()
    {
        while (!rest_.empty() && (is_blank(rest_[0]) || rest_[0] == '\r' || rest_[0] == '\n'))
            rest_.remove_prefix(1);
    }
    bool take(char c)
    {
        blanks();
        if (rest_.empty() || rest_[0] != c)
            return false;
        rest_.remove_prefix(1);
        return true;
    }
    char peek()
    {
        blanks();
        return rest_.empty() ? '\0' : rest_[0];
    }
    bool string(std::string& out);
    bool word(std::string& out);
    bool list(std::vector<std::string>& out);
    bool skip();
    bool at_end()
    {
        blanks();
        return rest_.empty();
    }

private:
    bool escape(std::string& out);
    std::optional<std::uint32_t> four_digits();
    std::string_view rest_;
};

void append_utf8(std::string& out, std::uint32_t c)
{
    const auto put = [&](std::uint32_t octet) { out += static_cast<char>(octet); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | c >> 6);
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3F));
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

std::optional<std::uint32_t> Reader::four_digits()
{
    std::uint32_t value = 0;
    if (rest_.size() < 4)
        return {};
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, value, 16);
    if (error != std::errc{} || end != rest_.data() + 4)
        return {};
    rest_.remove_prefix(4);
    return value;
}

bool Reader::escape(std::string& out)
{
    if (rest_.empty())
        return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    switch (c) {
    case 'n':
        out += '\n';
        return true;
    case 't':
        out += '\t';
        return true;
    case 'r':
        out += '\r';
        return true;
    case 'b':
        out += '\b';
        return true;
    case 'f':
        out += '\f';
        return true;
    case '"':
    case '\\':
    case '/':
        out += c;
        return true;
    case 'u':
        break;
    default:
        return false;
    }
    auto code = four_digits();
    if (!code)
        return false;
    if (*code >= 0xD800 && *code < 0xDC00 && rest_.starts_with("\\u")) {
        const auto saved = rest_;
        rest_.remove_prefix(2);
        const auto low = four_digits();
        if (low && *low >= 0xDC00 && *low < 0xE000)
            code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        else
            rest_ = saved;
    }
    append_utf8(out, *code >= 0xD800 && *code < 0xE000 ? 0xFFFD : *code);
    return true;
}

bool Reader::string(std::string& out)
{
    if (!take('"'))
        return false;
    while (true) {
        const auto end = rest_.find_first_of("\"\\");
        if (end == std::string_view::npos)
            return false;
        out += rest_.substr(0, end);
        const bool closed = rest_[end] == '"';
        rest_.remove_prefix(end + 1);
        if (closed)
            return true;
        if (!escape(out))
            return false;
    }
}

bool Reader::word(std::string& out)
{
    blanks();
    const auto end = std::min(rest_.find_first_of(",]} \t\r\n"), rest_.size());
    out = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (out == "true" || out == "false" || out == "null")
        return true;
    double value = 0;
    const auto [last, error] = std::from_chars(out.data(), out.data() + out.size(), value);
    return error == std::errc{} && last == out.data() + out.size() && out.size() <= 64;
}

/// Steps over a value of any nesting.
bool Reader::skip()
{
    std::string closers;
    std::string ignored;
    do {
        const char c = peek();
        if (c == '"') {
            ignored.clear();
            if (!string(ignored))
                return false;
        } else if (c == '[' || c == '{') {
            if (closers.size() == most_nesting)
                return false;
            closers += c == '[' ? ']' : '}';
            rest_.remove_prefix(1);
        } else if (c == ']' || c == '}') {
            if (closers.empty() || closers.back() != c)
                return false;
            closers.pop_back();
            rest_.remove_prefix(1);
        } else if (!closers.empty() && (c == ',' || c == ':')) {
            rest_.remove_prefix(1);
        } else if (!word(ignored)) {
            return false;
        }
    } while (!closers.empty());
    return true;
}

bool Reader::list(std::vector<std::string>& out)
{
    if (!take('['))
        return false;
    if (take(']'))
        return true;
    do {
        const char c = peek();
        std::string item;
        if (c == '"' ? !string(item) : c == '[' || c == '{' ? !skip() : !word(item))
            return false;
        if (out.size() < most_items && c != '[' && c != '{')
            out.push_back(std::move(item));
    } while (take(','));
    return take(']');
}

} // namespace

std::optional<RecordLine> RecordLine::parse(std::string_view line)
{
    Reader in(line);
    RecordLine record;
    if (!in.take('{'))
        return {};
    if (!in.take('}')) {
        do {
            std::string key;
            Value value;
            if (record.fields_.size() == most_keys || !in.string(key) || !in.take(':'))
                return {};
            const char c = in.peek();
            value.is_text = c == '"';
            value.is_list = c == '[';
            if (c == '"'   ? !in.string(value.text)
                : c == '[' ? !in.list(value.items)
                : c == '{' ? !in.skip()
                           : !in.word(value.text))
                return {};
            record.fields_.emplace_back(std::move(key), std::move(value));
        } while (in.take(','));
        if (!in.take('}'))
            return {};
    }
    if (!in.at_end())
        return {};
    return record;
}

const RecordLine::Value* RecordLine::find(std::string_view key) const
{
    for (const auto& [name, value] : fields_)
        if (name == key)
            return &value;
    return nullptr;
}

std::string_view RecordLine::text(std::string_view key) const
{
    const Value* value = find(key);
    return value == nullptr ? std::string_view{} : std::string_view(value->text);
}

std::optional<double> RecordLine::number(std::string_view key) const
{
    const Value* value = find(key);
    double out = 0;
    if (value == nullptr || value->is_text || value->text.empty())
        return {};
    const auto [end, error] = std::from_chars(value->text.data(), value->text.data() + value->text.size(), out);
    if (error != std::errc{} || end != value->text.data() + value->text.size() || !std::isfinite(out))
        return {};
    return out;
}

const std::vector<std::string>& RecordLine::list(std::string_view key) const
{
    static const std::vector<std::string> none;
    const Value* value = find(key);
    return value == nullptr ? none : value->items;
}

} // namespace mgw::monitor
