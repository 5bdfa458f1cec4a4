#include "lib/mail/encode_body.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

#include <algorithm>

namespace mgw::mail
{

namespace
{

constexpr std::size_t longest_line = 998;
constexpr std::size_t qp_line = 76;

bool is_line_end(std::string_view text, std::size_t at)
{
    return text.substr(at, 2) == "\r\n";
}

/// Whether the octet at `at` must not stand for itself.
bool needs_qp(std::string_view text, std::size_t at, bool at_line_begin)
{
    const auto c = static_cast<unsigned char>(text[at]);
    if (is_blank(text[at]))
        return at + 1 == text.size() || is_line_end(text, at + 1);
    return c < 33 || c > 126 || c == '=' || (at_line_begin && text.substr(at).starts_with("From "));
}

/// Octets that quoted-printable takes, without soft breaks: enough to choose by.
std::size_t qp_cost(std::string_view text)
{
    std::size_t cost = 0;
    for (const unsigned char c : text)
        cost += (c < 32 && c != '\r' && c != '\n' && c != '\t') || c > 126 || c == '=' ? 3 : 1;
    return cost;
}

std::size_t base64_cost(std::size_t octets)
{
    constexpr std::size_t line_octets = 57;
    return (octets + 2) / 3 * 4 + (octets + line_octets - 1) / line_octets * 2;
}

} // namespace

bool has_fit_lines(std::string_view text)
{
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\0' || text[i] == '\n' || (text[i] == '\r' && !is_line_end(text, i)))
            return false;
        if (text[i] == '\r') {
            if (i - begin > longest_line)
                return false;
            begin = ++i + 1;
        }
    }
    return text.size() - begin <= longest_line;
}

std::string qp_encode(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    std::size_t column = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_line_end(text, i)) {
            out += "\r\n";
            column = 0;
            ++i;
            continue;
        }
        std::string shape(1, text[i]);
        if (needs_qp(text, i, i == 0 || (i >= 2 && is_line_end(text, i - 2)))) {
            shape = "=" + hex(shape);
            shape = to_upper(shape);
        }
        // the last character of a line may take the column that a soft break would need
        const bool is_last = i + 1 == text.size() || is_line_end(text, i + 1);
        if (column + shape.size() > (is_last ? qp_line : qp_line - 1)) {
            out += "=\r\n";
            column = 0;
        }
        out += shape;
        column += shape.size();
    }
    return out;
}

EncodedBody encode_text(std::string text)
{
    if (has_fit_lines(text) && is_ascii(text))
        return {std::move(text), {}};
    if (qp_cost(text) <= base64_cost(text.size()))
        return {qp_encode(text), "quoted-printable"};
    return {base64_encode(text), "base64"};
}

} // namespace mgw::mail
