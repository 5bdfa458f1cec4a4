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

/// One mailbox as it stands, without comments.
struct Piece {
    std::string text;
    std::string comment; ///< the last one's content
    bool ends_group = false;
};

/// Reads over quoted strings, comments and angle brackets of an address list.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}
    bool done() const { return at_ >= text_.size(); }

    /// The next piece: up to an unquoted ',' or ';'. `on_group` is called with the name of a group that begins.
    template <class OnGroup> Piece piece(OnGroup on_group)
    {
        Piece out;
        bool in_angle = false;
        bool in_literal = false; // user@[IPv6:2001:db8::1]: this colon ends no group's name
        while (!done()) {
            const char c = text_[at_];
            if (c == '"') {
                quoted(out.text);
                continue;
            }
            if (c == '(') {
                out.comment = comment();
                continue;
            }
            ++at_;
            const bool closes = c == '>' && in_angle;
            if (c == '<')
                in_angle = true;
            else if (c == '>')
                in_angle = false;
            else if (!in_angle && (c == ',' || c == ';')) {
                out.ends_group = c == ';';
                return out;
            } else if (c == '[' && out.text.ends_with('@'))
                in_literal = true;
            else if (c == ']')
                in_literal = false;
            else if (!in_angle && !in_literal && c == ':') {
                on_group(out.text);
                out = {};
                continue;
            }
            out.text += c;
            if (closes && next_is_a_mailbox(out.text)) // the comma between two is missing
                return out;
        }
        return out;
    }

private:
    /// Whether what was read is "<local@domain>" at its end, and another '<' and '@' come before the next separator.
    bool next_is_a_mailbox(std::string_view so_far) const
    {
        const auto open = so_far.rfind('<');
        if (open == std::string_view::npos || !so_far.substr(open).contains('@'))
            return false;
        const auto ahead = text_.substr(at_, longest_mailbox);
        const auto rest = ahead.substr(0, ahead.find_first_of(",;:\"("));
        const auto next = rest.find('<');
        if (next != std::string_view::npos)
            return rest.substr(next).contains('@');
        return rest.size() < ahead.size() && ahead[rest.size()] == '"'; // the next one's name
    }
    void quoted(std::string& out)
    {
        std::size_t end = at_ + 1;
        while (!no_quote_follows_ && end < text_.size() && text_[end] != '"')
            end += text_[end] == '\\' ? 2 : 1;
        if (no_quote_follows_ || end >= text_.size()) { // unclosed: then it opens nothing
            no_quote_follows_ = true;
            ++at_;
            return;
        }
        out += text_.substr(at_, end + 1 - at_);
        at_ = end + 1;
    }
    std::string comment()
    {
        std::string out;
        std::size_t depth = 0;
        while (!done()) {
            char c = text_[at_++];
            if (c == '\\' && !done()) {
                c = text_[at_++];
            } else if (c == '(') {
                if (depth++ == 0)
                    continue;
            } else if (c == ')' && --depth == 0) {
                return out;
            }
            out += c;
        }
        return {}; // unclosed: no name either
    }

    std::string_view text_;
    std::size_t at_ = 0;
    bool no_quote_follows_ = false;
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

/// Without the blanks beside '.' and '@', which are obsolete syntax (RFC 5322 section 4.4); others stay.
std::string without_obsolete_blanks(std::string_view spec)
{
    std::string out;
    bool quoted = false;
    bool blank = false;
    for (std::size_t i = 0; i < spec.size(); ++i) {
        const char c = spec[i];
        if (!quoted && is_blank(c)) {
            blank = true;
            continue;
        }
        if (blank && !out.empty() && c != '.' && c != '@' && out.back() != '.' && out.back() != '@')
            out += ' ';
        blank = false;
        if (c == '"')
            quoted = !quoted;
        out += c;
        if (quoted && c == '\\' && i + 1 < spec.size())
            out += spec[++i];
    }
    return out;
}

Mailbox read_mailbox(std::string_view piece)
{
    const std::string_view spec = addr_spec(piece);
    // what stands before the '<' that the addr-spec stands in
    const bool bare = spec.size() == trim(piece).size();
    const std::string_view before = piece.substr(0, static_cast<std::size_t>(spec.data() - piece.data()));
    const auto open = before.rfind('<');
    std::string_view display = bare || open == std::string_view::npos ? std::string_view{} : before.substr(0, open);
    while (display.ends_with('<') || display.ends_with(' ')) // "<<a@b>>"
        display.remove_suffix(1);
    const auto at = spec.rfind('@');
    if (is_plain(spec) && at != std::string_view::npos && spec.find('@') == at) {
        // the form that mimetic reads right: one mailbox, no comment, no quoted local part, nothing behind '>'
        const mimetic::Mailbox box{std::string(spec)};
        if (!box.mailbox().empty() && !box.domain().empty())
            return make_mailbox(display, box.mailbox(), box.domain());
    }
    std::string packed = without_obsolete_blanks(spec);
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

/// Where a bare addr-spec begins after a display name that lacks its angle brackets: "Alice a@b"; 0 if there is none.
std::size_t bare_spec_at(std::string_view piece)
{
    piece = piece.substr(0, piece.find_last_not_of(" \t\r\n") + 1);
    const auto blank = piece.find_last_of(" \t\"");
    if (blank == std::string_view::npos || piece[blank] == '"' || piece.contains('<'))
        return 0;
    const auto word = piece.substr(blank + 1);
    const auto before = trim(piece.substr(0, blank));
    const auto at = word.find('@');
    // beside a '.' or '@' the blank is obsolete syntax within the addr-spec
    const bool inside = before.empty() || before.ends_with('.') || before.ends_with('@') || word.starts_with('.');
    return inside || at == 0 || at == std::string_view::npos || at + 1 == word.size() ? 0 : blank + 1;
}

/// "a@b c@d": words with one '@' inside each, and the comma between them missing. Nothing for anything else.
std::vector<std::string_view> words_that_are_addresses(std::string_view piece)
{
    if (piece.find_first_of("<>\"") != std::string_view::npos)
        return {};
    auto words = split_blanks(piece);
    for (const auto word : words) {
        const auto at = word.find('@');
        if (at == 0 || at == std::string_view::npos || at + 1 >= word.size() || word.find('@', at + 1) != word.npos)
            return {};
    }
    return words.size() > 1 ? words : std::vector<std::string_view>{};
}

std::vector<Mailbox> read_mailboxes(const Piece& piece)
{
    std::vector<Mailbox> out;
    for (const auto word : words_that_are_addresses(piece.text))
        out.push_back(read_mailbox(word));
    if (!out.empty())
        return out;
    const auto spec = bare_spec_at(piece.text);
    out.push_back(read_mailbox(std::string_view(piece.text).substr(spec)));
    if (spec != 0)
        out[0].display_name = decode_words(unquote(std::string_view(piece.text).substr(0, spec)));
    if (out[0].display_name.empty() && !piece.comment.empty() && !piece.text.contains('<'))
        out[0].display_name = decode_words(trim(piece.comment));
    return out;
}

} // namespace

AddressList parse_address_list(std::string_view value, std::size_t limit)
{
    AddressList out;
    Scanner scanner(value);
    bool in_group = false;
    const auto end_group = [&] {
        if (in_group)
            out.groups.back().members = out.mailboxes.size() - out.groups.back().begin;
        in_group = false;
    };
    const auto begin_group = [&](std::string_view name) {
        end_group();
        in_group = out.groups.size() < limit;
        if (in_group)
            out.groups.push_back({decode_words(unquote(name.substr(0, longest_mailbox))), out.mailboxes.size()});
    };
    while (!scanner.done() && out.mailboxes.size() < limit) {
        const Piece piece = scanner.piece(begin_group);
        if (piece.text.size() > longest_mailbox) {
            out.complete = false;
        } else if (!trim(piece.text).empty()) {
            for (auto& box : read_mailboxes(piece)) {
                if (box.address.empty() || out.mailboxes.size() >= limit)
                    out.complete = false;
                else
                    out.mailboxes.push_back(std::move(box));
            }
        }
        if (piece.ends_group)
            end_group();
    }
    end_group();
    out.complete = out.complete && scanner.done();
    return out;
}

std::vector<Mailbox> parse_addresses(std::string_view value, std::size_t limit)
{
    return parse_address_list(value, limit).mailboxes;
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
