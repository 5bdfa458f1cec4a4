#include "lib/dns/zone_text.hpp"

#include "lib/core/text.hpp"
#include "lib/dns/name.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <arpa/inet.h>

namespace mgw::dns
{
namespace
{

constexpr std::uint32_t default_ttl = 3600;

/// One word of a line; escapes not yet undone.
struct Word {
    std::string_view raw;
    bool quoted = false;
};

/// The words of one entry, which parentheses may carry over several lines (RFC 1035 section 5.1).
struct Line {
    std::vector<Word> words;
    bool starts_with_blank = false;
    std::size_t number = 0;
};

class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {}

    /// False at the end of the text; an empty string is no complaint.
    bool next(Line& line, std::string& complaint)
    {
        line.words.clear();
        if (at_ >= text_.size())
            return false;
        line.number = number_;
        line.starts_with_blank = is_blank(text_[at_]);
        bool open = false;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\n') {
                ++at_;
                ++number_;
                if (!open)
                    return true;
            } else if (c == ';') {
                at_ = std::min(text_.find('\n', at_), text_.size());
            } else if (c == '(' || c == ')') {
                if (open == (c == '(')) {
                    complaint = c == '(' ? "a second '(' before ')'" : "')' without '('";
                    return true;
                }
                open = c == '(';
                ++at_;
            } else if (is_blank(c) || c == '\r') {
                ++at_;
            } else if (!word(line, complaint)) {
                return true;
            }
        }
        if (open)
            complaint = "'(' is never closed";
        return true;
    }

private:
    bool word(Line& line, std::string& complaint)
    {
        const bool quoted = text_[at_] == '"';
        const std::size_t begin = at_ += quoted;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\n' ||
                (quoted ? c == '"' : is_blank(c) || c == '\r' || c == ';' || c == '(' || c == ')' || c == '"'))
                break;
            at_ += c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n' ? 2 : 1;
        }
        line.words.push_back({text_.substr(begin, at_ - begin), quoted});
        if (!quoted)
            return true;
        if (at_ >= text_.size() || text_[at_] != '"') {
            complaint = "a quoted string is never closed";
            return false;
        }
        ++at_;
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t number_ = 1;
};

/// Undoes \X and \DDD.
std::string unescape(std::string_view raw)
{
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '\\' || i + 1 == raw.size()) {
            out += raw[i];
            continue;
        }
        if (i + 3 < raw.size() && is_digit(raw[i + 1]) && is_digit(raw[i + 2]) && is_digit(raw[i + 3])) {
            out += static_cast<char>((raw[i + 1] - '0') * 100 + (raw[i + 2] - '0') * 10 + (raw[i + 3] - '0'));
            i += 3;
        } else {
            out += raw[++i];
        }
    }
    return out;
}

std::optional<Type> find_type(std::string_view word)
{
    static constexpr std::array types{Type::a,  Type::ns,  Type::cname, Type::soa, Type::ptr,
                                      Type::mx, Type::txt, Type::aaaa,  Type::tlsa};
    for (const auto type : types)
        if (iequals(word, type_name(type)))
            return type;
    return {};
}

bool is_other_type(std::string_view word)
{
    static constexpr std::array<std::string_view, 27> others{
        "AFSDB", "APL",   "CAA",    "CDNSKEY", "CDS", "CERT",  "DHCID", "DNAME",      "DNSKEY",
        "DS",    "HINFO", "HTTPS",  "KEY",     "LOC", "NAPTR", "NSEC",  "NSEC3",      "NSEC3PARAM",
        "RP",    "RRSIG", "SMIMEA", "SPF",     "SRV", "SSHFP", "SVCB",  "OPENPGPKEY", "URI"};
    if (istarts_with(word, "TYPE"))
        return parse_number(word.substr(4)).has_value();
    return std::ranges::any_of(others, [&](auto other) { return iequals(word, other); });
}

std::optional<Code> find_outcome(std::string_view word)
{
    if (iequals(word, "SERVFAIL"))
        return Code::servfail;
    if (iequals(word, "TIMEOUT"))
        return Code::timeout;
    if (iequals(word, "NODATA"))
        return Code::no_data;
    if (iequals(word, "NXDOMAIN"))
        return Code::no_name;
    return {};
}

/// Seconds as 3600 or 1h30m.
std::optional<std::uint32_t> find_ttl(std::string_view word)
{
    std::uint64_t total = 0;
    std::uint64_t number = 0;
    bool digits = false;
    for (const char c : word) {
        if (is_digit(c)) {
            number = number * 10 + static_cast<unsigned>(c - '0');
            digits = true;
            if (number > 0x7fffffff)
                return {};
            continue;
        }
        const auto unit = std::string_view("smhdw").find(lower(c));
        if (!digits || unit == std::string_view::npos)
            return {};
        static constexpr std::array<std::uint64_t, 5> seconds{1, 60, 3600, 86400, 604800};
        total += number * seconds[unit];
        number = 0;
        digits = false;
    }
    total += number;
    if (word.empty() || !is_digit(word.front()) || total > 0x7fffffff)
        return {};
    return static_cast<std::uint32_t>(total);
}

class Parser {
public:
    Parser(std::string_view text, std::string_view name) : lines_(text), name_(name) {}

    Result<std::vector<ZoneEntry>> run()
    {
        Line line;
        std::string complaint;
        while (complaint.empty() && lines_.next(line, complaint)) {
            if (complaint.empty() && !line.words.empty())
                complaint = entry(line);
            if (!complaint.empty())
                return fail(Status::config, std::string(name_) + ":" + std::to_string(line.number) + ": " + complaint,
                            "see mgw(7) for the form of a zone file");
        }
        return std::move(entries_);
    }

private:
    std::string entry(const Line& line)
    {
        std::span<const Word> words(line.words);
        if (!line.starts_with_blank && !words[0].quoted && words[0].raw.starts_with('$'))
            return directive(words);
        if (!line.starts_with_blank) {
            auto owner = name(words[0]);
            if (!owner)
                return "'" + printable_ascii(words[0].raw, 80) + "' is not a domain name";
            owner_ = std::move(*owner);
            words = words.subspan(1);
        } else if (!owner_) {
            return "the first entry has no name";
        }
        ZoneEntry out{.owner = *owner_, .ttl_seconds = ttl_};
        for (; !words.empty(); words = words.subspan(1)) {
            if (const auto ttl = find_ttl(words[0].raw))
                out.ttl_seconds = *ttl;
            else if (!iequals(words[0].raw, "IN"))
                break;
        }
        if (words.empty())
            return "no record type";
        const auto word = words[0].raw;
        words = words.subspan(1);
        if (const auto code = find_outcome(word)) {
            out.kind = ZoneEntry::Kind::outcome;
            out.code = *code;
            return for_types(std::move(out), words);
        }
        if (iequals(word, "SECURE")) {
            out.kind = ZoneEntry::Kind::secure;
            return for_types(std::move(out), words);
        }
        out.type = find_type(word);
        if (!out.type && !is_other_type(word))
            return "'" + printable_ascii(word, 40) + "' is not a record type";
        if (!out.type)
            out.kind = ZoneEntry::Kind::other;
        else if (auto complaint = rdata(out, words); !complaint.empty())
            return std::string(type_name(*out.type)) + " " + complaint;
        entries_.push_back(std::move(out));
        return {};
    }

    std::string directive(std::span<const Word> words)
    {
        if (iequals(words[0].raw, "$ORIGIN") && words.size() == 2) {
            auto origin = name(words[1]);
            if (!origin)
                return "$ORIGIN is not a domain name";
            origin_ = std::move(*origin);
            return {};
        }
        if (iequals(words[0].raw, "$TTL") && words.size() == 2) {
            const auto ttl = find_ttl(words[1].raw);
            if (!ttl)
                return "$TTL is not a time";
            ttl_ = *ttl;
            return {};
        }
        return "'" + printable_ascii(words[0].raw, 40) + "' is not understood: $ORIGIN NAME and $TTL SECONDS are";
    }

    std::string for_types(ZoneEntry out, std::span<const Word> words)
    {
        if (words.empty())
            entries_.push_back(std::move(out));
        for (const auto& word : words) {
            out.type = find_type(word.raw);
            if (!out.type)
                return "'" + printable_ascii(word.raw, 40) + "' is not a record type";
            entries_.push_back(out);
        }
        return {};
    }

    /// The root is an empty name: an MX of "." means "no mail" (RFC 7505).
    std::optional<std::string> name(const Word& word) const
    {
        if (word.raw == "@" && !word.quoted)
            return origin_;
        auto text = unescape(word.raw);
        if (text == ".")
            return std::string();
        if (text.ends_with('.'))
            text.pop_back();
        else if (!origin_.empty())
            text += "." + origin_;
        if (!is_name(text))
            return {};
        return text;
    }

    std::string rdata(ZoneEntry& out, std::span<const Word> words)
    {
        switch (*out.type) {
        case Type::a:
        case Type::aaaa:
            return address(out, words);
        case Type::txt:
            if (words.empty())
                return "has no string";
            for (const auto& word : words)
                out.data.data += unescape(word.raw);
            return {};
        case Type::mx:
        case Type::tlsa:
            return *out.type == Type::mx ? exchange(out, words) : association(out, words);
        case Type::soa:
            if (words.size() != 7)
                return "needs two names and five numbers";
            words = words.first(1);
            [[fallthrough]];
        default:
            if (words.size() != 1)
                return "needs one name";
            if (auto target = name(words[0])) {
                out.data.data = std::move(*target);
                return {};
            }
            return "does not point at a domain name";
        }
    }

    static std::string address(ZoneEntry& out, std::span<const Word> words)
    {
        std::array<unsigned char, 16> octets{};
        std::array<char, INET6_ADDRSTRLEN> text{};
        const int family = *out.type == Type::a ? AF_INET : AF_INET6;
        if (words.size() != 1 || inet_pton(family, std::string(words[0].raw).c_str(), octets.data()) != 1)
            return "needs one address";
        out.data.data = inet_ntop(family, octets.data(), text.data(), text.size());
        return {};
    }

    std::string exchange(ZoneEntry& out, std::span<const Word> words) const
    {
        const auto preference = words.empty() ? std::nullopt : parse_number(words[0].raw);
        auto target = words.size() == 2 ? name(words[1]) : std::nullopt;
        if (!preference || *preference > 0xffff || !target)
            return "needs a number up to 65535 and a name";
        out.data = {std::move(*target), static_cast<std::uint16_t>(*preference)};
        return {};
    }

    static std::string association(ZoneEntry& out, std::span<const Word> words)
    {
        const std::string complaint = "needs three numbers up to 255 and hexadecimal digits (RFC 6698 section 2.2)";
        if (words.size() < 4)
            return complaint;
        for (const auto& word : words.first(3)) {
            const auto number = parse_number(word.raw);
            if (!number || *number > 255)
                return complaint;
            out.data.data += static_cast<char>(*number);
        }
        std::string digits;
        for (const auto& word : words.subspan(3))
            digits += word.raw;
        const auto octets = from_hex(digits);
        if (!octets)
            return complaint;
        out.data.data += *octets;
        return {};
    }

    Lines lines_;
    std::string_view name_;
    std::string origin_;
    std::optional<std::string> owner_;
    std::uint32_t ttl_ = default_ttl;
    std::vector<ZoneEntry> entries_;
};

} // namespace

Result<std::vector<ZoneEntry>> parse_entries(std::string_view text, std::string_view name)
{
    return Parser(text, name).run();
}

} // namespace mgw::dns
