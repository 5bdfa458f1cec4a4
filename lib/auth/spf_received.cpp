#include "lib/auth/spf.hpp"

#include "lib/core/text.hpp"

#include <algorithm>
#include <vector>

namespace mgw::auth
{
namespace
{

constexpr std::size_t line_octets = 76;
constexpr std::size_t value_octets = 255;

bool is_atom_char(char c)
{
    return is_digit(c) || is_letter(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

/// dot-atom where it can be one, else a quoted-string (RFC 5322 section 3.2).
std::string value_text(std::string_view value)
{
    const auto text = printable_ascii(value, value_octets);
    const bool dot_atom = !text.empty() && text.front() != '.' && text.back() != '.' && !text.contains("..") &&
                          std::ranges::all_of(text, [](char c) { return is_atom_char(c) || c == '.'; });
    if (dot_atom)
        return text;
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

/// Text that can stand in a comment.
std::string comment_text(std::string_view text)
{
    auto out = printable_ascii(text, value_octets);
    std::ranges::replace_if(
        out, [](char c) { return c == '(' || c == ')' || c == '\\'; }, '?');
    return out;
}

std::string comment(const SpfQuery& query, const SpfResult& result)
{
    const auto domain = comment_text(result.domain);
    const auto ip = comment_text(query.ip);
    const auto& r = result.result;
    std::string text = query.receiver.empty() ? "" : comment_text(query.receiver) + ": ";
    if (r == "pass")
        text += "domain of " + domain + " designates " + ip + " as permitted sender";
    else if (r == "fail")
        text += "domain of " + domain + " does not designate " + ip + " as permitted sender";
    else if (r == "softfail")
        text += "transitioning domain of " + domain + " does not designate " + ip + " as permitted sender";
    else if (r == "neutral")
        text += ip + " is neither permitted nor denied by domain of " + domain;
    else if (r == "none")
        text += "domain of " + domain + " does not provide an SPF record";
    else if (r == "temperror")
        text += "temporary error in the check of domain of " + domain;
    else
        text += "permanent error in the check of domain of " + domain;
    return text;
}

} // namespace

std::string received_spf(const SpfQuery& query, const SpfResult& result)
{
    std::vector<std::string> words = {"Received-SPF:", result.result};
    const auto comment_words = "(" + comment(query, result) + ")";
    for (const auto word : split_blanks(comment_words))
        words.emplace_back(word);
    const auto pair = [&](std::string_view key, std::string_view value) {
        if (!value.empty())
            words.push_back(std::string(key) + "=" + value_text(value) + ";");
    };
    pair("receiver", query.receiver);
    pair("identity", result.identity);
    pair("client-ip", query.ip);
    pair("envelope-from", query.mail_from);
    pair("helo", query.helo);
    pair("mechanism", result.mechanism);
    if ((result.result == "temperror" || result.result == "permerror") && !result.trace.empty())
        pair("problem", result.trace.back());
    words.back().pop_back();
    std::string field;
    std::size_t line = 0;
    for (const auto& word : words) {
        if (field.empty()) {
            line = word.size();
        } else if (line + 1 + word.size() > line_octets) {
            field += "\r\n ";
            line = 1 + word.size();
        } else {
            field += ' ';
            line += 1 + word.size();
        }
        field += word;
    }
    return field + "\r\n";
}

} // namespace mgw::auth
