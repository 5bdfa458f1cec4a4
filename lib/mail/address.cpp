#include "lib/mail/address.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"

#include <cassert>
#include <mimetic/rfc822/mailbox.h>

namespace mgw::mail
{

namespace
{

constexpr std::size_t longest_mailbox = 2048;

/// Reads over quoted strings, comments and angle brackets of an address list.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}
    bool done() const { return at_ >= text_.size(); }

    /// The next piece: up to an unquoted ',' or ';', comments left out; "name:" of a group is dropped.
    std::string piece()
    {
        std::string out;
        bool in_angle = false;
        bool in_literal = false; // user@[IPv6:2001:db8::1]: this colon ends no group's name
        while (!done()) {
            const char c = text_[at_];
            if (c == '"') {
                quoted(out);
                continue;
            }
            if (c == '(') {
                comment();
                continue;
            }
            ++at_;
            if (c == '<')
                in_angle = true;
            else if (c == '>')
                in_angle = false;
            else if (!in_angle && (c == ',' || c == ';'))
                return out;
            else if (c == '[' && out.ends_with('@'))
                in_literal = true;
            else if (c == ']')
                in_literal = false;
            else if (!in_angle && !in_literal && c == ':') {
                out.clear();
                continue;
            }
            out += c;
        }
        return out;
    }

private:
    void quoted(std::string& out)
    {
        out += text_[at_++];
        while (!done()) {
            const char c = text_[at_++];
            out += c;
            if (c == '\\' && !done())
                out += text_[at_++];
            else if (c == '"')
                return;
        }
    }
    void comment()
    {
        std::size_t depth = 0;
        while (!done()) {
            const char c = text_[at_++];
            if (c == '\\' && !done())
                ++at_;
            else if (c == '(')
                ++depth;
            else if (c == ')' && --depth == 0)
                return;
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

std::string unquote(std::string_view text)
{
    text = trim(text);
    std::string out;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == '\\' && quoted && i + 1 < text.size())
            out += text[++i];
        else
            out += text[i];
    }
    return out;
}

bool is_plain(std::string_view text)
{
    for (const char c : text)
        if (static_cast<unsigned char>(c) <= 32 || static_cast<unsigned char>(c) >= 127 ||
            std::string_view("<>()\"\\,;:").contains(c))
            return false;
    return !text.empty();
}

/// The addr-spec of one mailbox without comments: between the last '<' and '>' outside quotes, or all of it.
std::string_view addr_spec(std::string_view piece)
{
    bool quoted = false;
    std::size_t open = std::string_view::npos;
    std::size_t close = std::string_view::npos;
    for (std::size_t i = 0; i < piece.size(); ++i) {
        if (piece[i] == '\\' && quoted)
            ++i;
        else if (piece[i] == '"')
            quoted = !quoted;
        else if (!quoted && piece[i] == '<') {
            open = i;
            close = std::string_view::npos;
        } else if (!quoted && piece[i] == '>' && close == std::string_view::npos)
            close = i;
    }
    if (open == std::string_view::npos)
        return trim(piece);
    return trim(piece.substr(open + 1, (close == std::string_view::npos ? piece.size() : close) - open - 1));
}

Mailbox make_mailbox(std::string_view display, std::string_view local, std::string_view domain)
{
    Mailbox out;
    out.display_name = decode_words(unquote(display));
    out.address = std::string(local);
    if (!domain.empty())
        out.address += "@" + to_lower(domain);
    return out;
}

Mailbox read_mailbox(const std::string& piece)
{
    const std::string_view spec = addr_spec(piece);
    const auto open = piece.rfind('<');
    const std::string_view display = spec.size() == trim(piece).size() || open == std::string::npos
                                         ? std::string_view{}
                                         : std::string_view(piece).substr(0, open);
    const auto at = spec.rfind('@');
    if (is_plain(spec) && at != std::string_view::npos && spec.find('@') == at) {
        // the form that mimetic reads right: one mailbox, no comment, no quoted local part, nothing behind '>'
        const mimetic::Mailbox box{std::string(spec)};
        if (!box.mailbox().empty() && !box.domain().empty())
            return make_mailbox(display, box.mailbox(), box.domain());
    }
    std::string packed; // blanks around '.' and '@' are obsolete syntax (RFC 5322 section 4.4)
    bool quoted = false;
    for (std::size_t i = 0; i < spec.size(); ++i) {
        if (spec[i] == '"')
            quoted = !quoted;
        if (quoted || !is_blank(spec[i]))
            packed += spec[i];
        if (quoted && spec[i] == '\\' && i + 1 < spec.size())
            packed += spec[++i];
    }
    if (packed.starts_with('@')) { // a source route: <@a,@b:c@d>
        const auto colon = packed.find(':');
        if (colon != std::string::npos)
            packed.erase(0, colon + 1);
    }
    const auto last = packed.rfind('@');
    if (last == std::string::npos)
        return make_mailbox(display, packed, {});
    return make_mailbox(display, std::string_view(packed).substr(0, last), std::string_view(packed).substr(last + 1));
}

} // namespace

std::vector<Mailbox> parse_addresses(std::string_view value, std::size_t limit)
{
    std::vector<Mailbox> out;
    Scanner scanner(value);
    while (!scanner.done() && out.size() < limit) {
        const std::string piece = scanner.piece();
        if (trim(piece).empty() || piece.size() > longest_mailbox)
            continue;
        Mailbox box = read_mailbox(piece);
        if (!box.address.empty())
            out.push_back(std::move(box));
    }
    return out;
}

std::optional<std::string> parse_path(std::string_view text)
{
    text = trim(text);
    if (text.starts_with('<') != text.ends_with('>'))
        return std::nullopt;
    if (text.starts_with('<')) {
        text.remove_prefix(1);
        text.remove_suffix(1);
    }
    if (text.starts_with('@')) { // a source route is stripped (RFC 5321 section 4.1.1.3)
        const auto colon = text.find(':');
        if (colon == std::string_view::npos)
            return std::nullopt;
        text.remove_prefix(colon + 1);
    }
    if (text.size() > 1000 || !is_valid_utf8(text))
        return std::nullopt;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (static_cast<unsigned char>(c) < 32 || c == 127)
            return std::nullopt;
        if (c == '"')
            quoted = !quoted;
        else if (quoted && c == '\\') {
            if (i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\'))
                ++i;
        } else if (!quoted && (c == ' ' || c == '<' || c == '>'))
            return std::nullopt;
    }
    if (quoted)
        return std::nullopt;
    return std::string(text);
}

} // namespace mgw::mail
