#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/decoder.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace mgw::mail
{

namespace
{

/// Blanks between the '=' of a soft line break and its line end: the longest line that mail may have.
constexpr std::size_t most_blanks = 998;

/// What a '=' turned out to be.
struct Escape {
    std::size_t octets = 0;    ///< of the text that belong to it
    std::optional<char> value; ///< nothing for a soft line break
    bool right = true;         ///< else the '=' stands for itself
};

/// Reads what begins with '='; nothing as long as more text is needed to tell.
std::optional<Escape> read_escape(std::string_view text)
{
    if (text.size() < 2)
        return std::nullopt;
    if (const int high = hex_value(text[1]); high >= 0) {
        if (text.size() < 3)
            return std::nullopt;
        if (const int low = hex_value(text[2]); low >= 0)
            return Escape{3, static_cast<char>(high * 16 + low)};
        return Escape{1, '=', false};
    }
    std::size_t at = 1;
    while (at < text.size() && at <= most_blanks && is_blank(text[at]))
        ++at;
    if (at >= text.size())
        return std::nullopt;
    if (text[at] == '\n')
        return Escape{at + 1, std::nullopt};
    if (text[at] == '\r') {
        if (at + 1 >= text.size())
            return std::nullopt;
        if (text[at + 1] == '\n')
            return Escape{at + 2, std::nullopt};
    }
    return Escape{1, '=', false};
}

} // namespace

/// Goes on with a '=' of an earlier piece; returns how much of `text` was needed.
std::size_t QuotedPrintableDecoder::feed_pending(std::string_view text, std::string& out)
{
    std::size_t used = 0;
    while (used < text.size()) {
        pending_ += text[used++];
        const auto escape = read_escape(pending_);
        if (!escape)
            continue;
        if (escape->value)
            put({&*escape->value, 1}, out);
        if (!escape->right) {
            // all but the last octet are known to be text; the last is read anew
            damaged_ = true;
            put(std::string_view(pending_).substr(1, pending_.size() - 2), out);
            --used;
        }
        pending_.clear();
        break;
    }
    return used;
}

void QuotedPrintableDecoder::feed(std::string_view text, std::string& out)
{
    if (!pending_.empty())
        text.remove_prefix(feed_pending(text, out));
    while (!text.empty() && pending_.empty()) {
        if (room_ == 0 && damaged_)
            return; // nothing more can come out of it
        const std::size_t equals = std::min(text.find('='), text.size());
        put(text.substr(0, equals), out);
        text.remove_prefix(equals);
        if (text.empty())
            return;
        const auto escape = read_escape(text);
        if (!escape) {
            pending_ = text;
            return;
        }
        if (escape->value)
            put({&*escape->value, 1}, out);
        damaged_ = damaged_ || !escape->right;
        text.remove_prefix(escape->octets);
    }
}

void QuotedPrintableDecoder::finish(std::string& out)
{
    // a "=" at the very end, blanks after it or not: a soft break that was cut
    const bool cut = std::ranges::all_of(std::string_view(pending_).substr(std::min<std::size_t>(1, pending_.size())),
                                         [](char c) { return is_blank(c); });
    if (!cut) {
        damaged_ = true;
        put(pending_, out);
    }
    pending_.clear();
}

std::string qp_decode(std::string_view text, std::size_t limit_octets, bool* damaged)
{
    std::string out;
    out.reserve(std::min(text.size(), limit_octets));
    QuotedPrintableDecoder decoder(limit_octets);
    decoder.feed(text, out);
    decoder.finish(out);
    if (decoder.damaged() && damaged != nullptr)
        *damaged = true;
    return out;
}

} // namespace mgw::mail
