#include "lib/auth/authres.hpp"

#include "lib/auth/domain.hpp"
#include "lib/core/text.hpp"

#include <algorithm>

namespace mgw::auth
{
namespace
{

constexpr std::string_view field_name = "Authentication-Results";
constexpr std::size_t width = 78;
constexpr std::size_t value_octets = 320; // a mailbox of RFC 5321's largest size

/// A character of a token (RFC 2045 section 5.1).
bool is_token_char(char c)
{
    return c > ' ' && c < 127 && std::string_view{"()<>@,;:\\\"/[]?="}.find(c) == std::string_view::npos;
}

bool is_token(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

/// Passes over white space and comments (CFWS), nested ones too; false if a comment never ends.
bool skip_comments(std::string_view text, std::size_t& at)
{
    std::size_t depth = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (depth > 0 && c == '\\')
            ++at;
        else if (c == '(')
            ++depth;
        else if (depth > 0 && c == ')')
            --depth;
        else if (depth == 0 && !is_blank(c) && c != '\r' && c != '\n')
            return true;
    }
    return depth == 0;
}

std::optional<std::string> quoted_string(std::string_view text, std::size_t& at)
{
    std::string out;
    for (++at; at < text.size(); ++at) {
        if (text[at] == '"') {
            ++at;
            return out;
        }
        if (text[at] == '\\' && at + 1 < text.size())
            ++at;
        if (text[at] != '\r' && text[at] != '\n')
            out += text[at];
    }
    return std::nullopt;
}

std::string quoted(std::string_view text)
{
    std::string out = "\"";
    for (const char c : printable_ascii(text, value_octets)) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

/// A value as a token, an address of two tokens, or a quoted string.
std::string pvalue(std::string_view text)
{
    const auto at = text.rfind('@');
    const bool is_address =
        at != std::string_view::npos && is_token(text.substr(at + 1)) && (at == 0 || is_token(text.substr(0, at)));
    return (is_token(text) || is_address) && text.size() <= value_octets ? std::string(text) : quoted(text);
}

std::string comment(std::string_view text)
{
    std::string out = "(";
    for (const char c : printable_ascii(text, value_octets))
        out += c == '(' || c == ')' || c == '\\' ? ' ' : c;
    return out + ')';
}

/// Words on lines of at most `width`, continuation lines begin with a blank.
void append_words(std::string& out, const std::vector<std::string>& words)
{
    auto column = out.size() - (out.rfind('\n') == std::string::npos ? 0 : out.rfind('\n') + 1);
    bool first = true;
    for (const auto& word : words) {
        if (first || column + 1 + word.size() > width) {
            out += "\n ";
            column = 1;
        } else {
            out += ' ';
            ++column;
        }
        first = false;
        out += word;
        column += word.size();
    }
}

} // namespace

std::string results_field(std::string_view authserv_id, const std::vector<MethodResult>& methods)
{
    std::string out{field_name};
    out.append(": ").append(pvalue(authserv_id)).append(";");
    if (methods.empty())
        return out + " none";
    for (std::size_t i = 0; i < methods.size(); ++i) {
        const auto& each = methods[i];
        std::vector<std::string> words{each.method + "=" + each.result};
        if (!each.comment.empty())
            words.push_back(comment(each.comment));
        if (!each.reason.empty())
            words.push_back("reason=" + quoted(each.reason));
        for (const auto& [name, value] : each.properties)
            if (!value.empty())
                words.push_back(name + "=" + pvalue(value));
        if (i + 1 < methods.size())
            words.back() += ';';
        append_words(out, words);
    }
    return out;
}

std::optional<std::string> authserv_id_of(std::string_view raw_value)
{
    std::size_t at = 0;
    if (!skip_comments(raw_value, at) || at == raw_value.size())
        return std::nullopt;
    if (raw_value[at] == '"')
        return quoted_string(raw_value, at);
    const auto begin = at;
    // UTF-8 is allowed in internationalised mail (RFC 8601 section 2.2)
    while (at < raw_value.size() && (is_token_char(raw_value[at]) || static_cast<unsigned char>(raw_value[at]) > 127))
        ++at;
    if (at == begin)
        return std::nullopt;
    return std::string(raw_value.substr(begin, at - begin));
}

bool claims(std::string_view raw_value, std::string_view authserv_id)
{
    if (authserv_id.empty())
        return false;
    const auto id = authserv_id_of(raw_value);
    if (!id)
        return ifind(raw_value, authserv_id) != std::string_view::npos;
    if (iequals(trim(*id), authserv_id))
        return true;
    const auto domain = normal_domain(trim(*id));
    return !domain.empty() && domain == normal_domain(authserv_id);
}

std::vector<mail::Field> forged_results(const mail::Message& message, std::string_view authserv_id)
{
    std::vector<mail::Field> out;
    const auto collect = [&](const mail::Message& index) {
        for (const auto* field : index.find_all(field_name))
            if (claims(index.raw_value(*field), authserv_id))
                out.push_back(*field);
    };
    if (!mail::has(message.oddities(), mail::Oddity::header_too_large)) {
        collect(message);
        return out;
    }
    // a reader with larger limits than ours must not find what ours left out
    Limits unbounded;
    unbounded.header_octets = unbounded.field_octets = unbounded.fields = message.octets().size() + 1;
    collect(mail::Message(message.octets(), unbounded));
    return out;
}

} // namespace mgw::auth
