#include "lib/mail/message.hpp"

#include "lib/core/cpu.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/boundaries.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mgw::mail
{

namespace
{

/// Past the LF that ends the line at `at`, or the end of the octets.
std::size_t next_line(std::string_view octets, std::size_t at)
{
    const void* lf = at < octets.size() ? std::memchr(octets.data() + at, '\n', octets.size() - at) : nullptr;
    return lf == nullptr ? octets.size() : static_cast<std::size_t>(static_cast<const char*>(lf) - octets.data()) + 1;
}

bool is_empty_line(std::string_view line)
{
    return line == "\n" || line == "\r\n";
}

/// Length of the field name at the start of a line (RFC 5322 section 3.6.8), 0 if it has none.
std::size_t field_name_octets(std::string_view line)
{
    std::size_t n = 0;
    while (n < line.size() && line[n] > 32 && line[n] < 127 && line[n] != ':')
        ++n;
    return n;
}

/// Whether a line that continues another field reads like a MIME field of its own, as some programs read it. Lists of
/// field names, as in DKIM-Signature, hold no such values.
bool is_hidden_field(std::string_view line)
{
    const auto text = trim(line);
    if (!istarts_with(text, "content-"))
        return false;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return false;
    const auto name = trim(text.substr(0, colon));
    const auto value = trim(text.substr(colon + 1));
    if (iequals(name, "content-type"))
        return value.substr(0, value.find_first_of(";:=")).contains('/');
    return (iequals(name, "content-transfer-encoding") || iequals(name, "content-disposition")) && !value.empty() &&
           !value.contains(':') && !istarts_with(value, "content-") && !istarts_with(value, "mime-");
}

} // namespace

namespace
{

/// What all_oddities() looks for; an octet of each may be set.
struct LineEndOddities {
    bool nul = false;
    bool bare_cr = false;
    bool bare_lf = false;

    void look(char before, char c)
    {
        nul |= c == '\0';
        bare_cr |= (before == '\r') & (c != '\n');
        bare_lf |= (before != '\r') & (c == '\n');
    }
};

#if defined(__x86_64__)
/// Looks at p[0] to p[count - 1], each with the octet before it; `count` is a multiple of 32.
__attribute__((target("avx2"))) void look_wide(const char* p, std::size_t count, LineEndOddities& found)
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i cr = _mm256_set1_epi8('\r');
    const __m256i lf = _mm256_set1_epi8('\n');
    __m256i nul = zero;
    __m256i bare_cr = zero;
    __m256i bare_lf = zero;
    for (std::size_t at = 0; at < count; at += 32) {
        const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + at));
        const __m256i before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + at - 1));
        const __m256i behind_cr = _mm256_cmpeq_epi8(before, cr);
        const __m256i is_lf = _mm256_cmpeq_epi8(here, lf);
        nul = _mm256_or_si256(nul, _mm256_cmpeq_epi8(here, zero));
        bare_cr = _mm256_or_si256(bare_cr, _mm256_andnot_si256(is_lf, behind_cr));
        bare_lf = _mm256_or_si256(bare_lf, _mm256_andnot_si256(behind_cr, is_lf));
    }
    found.nul |= _mm256_movemask_epi8(nul) != 0;
    found.bare_cr |= _mm256_movemask_epi8(bare_cr) != 0;
    found.bare_lf |= _mm256_movemask_epi8(bare_lf) != 0;
}
#endif

} // namespace

Oddity Message::all_oddities() const
{
    const bool is_crlf = line_end_.size() == 2;
    const char* const p = octets_.data();
    const std::size_t size = octets_.size();
    LineEndOddities seen;
    std::size_t at = 1;
    if (size > 0)
        seen.look('\0', p[0]);
#if defined(__x86_64__)
    constexpr std::size_t worth_asking = 4096;
    if (size >= worth_asking && has_avx2()) {
        const std::size_t count = (size - at) / 32 * 32;
        look_wide(p + at, count, seen);
        at += count;
    }
#endif
    // every octet with the one before it, in blocks of a fixed size: compilers turn that into vector instructions
    constexpr std::size_t block = 256;
    for (; at + block <= size; at += block) {
        std::uint8_t nul = 0;
        std::uint8_t bare_cr = 0;
        std::uint8_t bare_lf = 0;
        for (std::size_t i = 0; i < block; ++i) {
            const char before = p[at + i - 1];
            const char c = p[at + i];
            nul |= static_cast<std::uint8_t>(c == '\0');
            bare_cr |= static_cast<std::uint8_t>((before == '\r') & (c != '\n'));
            bare_lf |= static_cast<std::uint8_t>((before != '\r') & (c == '\n'));
        }
        seen.nul |= nul != 0;
        seen.bare_cr |= bare_cr != 0;
        seen.bare_lf |= bare_lf != 0;
    }
    for (; at < size; ++at)
        seen.look(p[at - 1], p[at]);
    seen.bare_cr |= octets_.ends_with('\r');

    Oddity found = oddities_;
    if (seen.nul)
        found |= Oddity::nul;
    if (seen.bare_cr)
        found |= Oddity::bare_cr;
    if (seen.bare_lf && is_crlf)
        found |= Oddity::bare_lf;
    return found;
}

std::size_t from_line_octets(std::string_view octets)
{
    if (!octets.starts_with("From "))
        return 0;
    // "From : a@b" is the obsolete spelling of the field (RFC 5322 section 4.5.2): no stage may overlook an author
    const std::size_t word = octets.find_first_not_of(" \t", 4);
    const std::size_t end = next_line(octets, 0);
    if (octets[end - 1] != '\n') // not a line: what is put behind it would be glued to it
        return 0;
    return word != std::string_view::npos && octets[word] == ':' ? 0 : end;
}

Message::Message(std::string_view octets, const Limits& limits) : octets_(octets)
{
    index(limits, nullptr);
}

Message::Message(std::string_view octets, const Limits& limits, const Boundaries& open) : octets_(octets)
{
    index(limits, &open);
}

void Message::index(const Limits& limits, const Boundaries* open)
{
    const std::size_t first = next_line(octets_, 0);
    if (first >= 2 && octets_[first - 1] == '\n' && octets_[first - 2] == '\r')
        line_end_ = "\r\n";
    index_header(limits, open);
}

void Message::index_header(const Limits& limits, const Boundaries* open)
{
    std::size_t at = 0;
    header_end_ = body_begin_ = octets_.size();
    if (from_line_octets(octets_) > 0)
        oddities_ |= Oddity::from_line;
    if (octets_.starts_with("\xEF\xBB\xBF"))
        oddities_ |= Oddity::byte_order_mark;
    while (at < octets_.size()) {
        const std::size_t end = next_line(octets_, at);
        const std::string_view line = octets_.substr(at, end - at);
        if (is_empty_line(line)) {
            header_end_ = at;
            body_begin_ = end;
            return;
        }
        if (open != nullptr && line.starts_with("--") && open->match(line)) {
            delimiter_ = at;
            octets_ = octets_.substr(0, line_end_before(octets_, at));
            header_end_ = body_begin_ = octets_.size();
            if (!fields_.empty())
                fields_.back().end = std::min(fields_.back().end, octets_.size());
            break;
        }
        const bool continues = is_blank(line[0]) && !fields_.empty();
        if (end > limits.header_octets || (!continues && fields_.size() >= limits.fields)) {
            oddities_ |= Oddity::header_too_large;
            header_end_ = body_begin_ = at;
            return;
        }
        if (continues) {
            fields_.back().end = end;
            if (end - fields_.back().begin > limits.field_octets)
                oddities_ |= Oddity::header_too_large;
            std::size_t word = 1;
            while (word < line.size() && is_blank(line[word]))
                ++word;
            if (word == line.size() || line[word] == '\r' || line[word] == '\n')
                oddities_ |= Oddity::blank_line_in_header;
            else if (lower(line[word]) == 'c' && is_hidden_field(line.substr(word)))
                oddities_ |= Oddity::hidden_field;
        } else {
            const std::size_t name = field_name_octets(line);
            std::size_t colon = name;
            while (colon < line.size() && is_blank(line[colon]))
                ++colon;
            if (name == 0 || colon >= line.size() || line[colon] != ':') {
                oddities_ |= at == 0 ? Oddity::no_header : Oddity::header_ends_early;
                header_end_ = body_begin_ = at;
                return;
            }
            if (colon != name)
                oddities_ |= Oddity::blank_before_colon;
            if (line.size() > limits.field_octets)
                oddities_ |= Oddity::header_too_large;
            fields_.push_back(Field{at, at + name, at + colon + 1, end});
        }
        if (line.size() > 1000)
            oddities_ |= Oddity::line_too_long;
        at = end;
    }
    if (octets_.empty())
        oddities_ |= Oddity::no_header;
}

std::string_view Message::raw_value(const Field& f) const
{
    std::string_view value = octets_.substr(f.value_begin, f.end - f.value_begin);
    if (value.ends_with('\n'))
        value.remove_suffix(1);
    if (value.ends_with('\r'))
        value.remove_suffix(1);
    return value;
}

std::string Message::value(const Field& f) const
{
    return unfold(raw_value(f));
}

const Field* Message::find(std::string_view name) const
{
    for (const Field& f : fields_)
        if (iequals(this->name(f), name))
            return &f;
    return nullptr;
}

std::vector<const Field*> Message::find_all(std::string_view name) const
{
    std::vector<const Field*> out;
    for (const Field& f : fields_)
        if (iequals(this->name(f), name))
            out.push_back(&f);
    return out;
}

std::optional<std::string> Message::value_of(std::string_view name) const
{
    const Field* f = find(name);
    return f != nullptr ? std::optional(value(*f)) : std::nullopt;
}

std::string unfold(std::string_view raw_value)
{
    std::string out;
    out.reserve(raw_value.size());
    for (std::size_t i = 0; i < raw_value.size(); ++i) {
        const char c = raw_value[i];
        if (c == '\n' || (c == '\r' && i + 1 < raw_value.size() && raw_value[i + 1] == '\n'))
            continue;
        out += c;
    }
    const auto trimmed = trim(out);
    if (trimmed.size() != out.size())
        return std::string(trimmed);
    return out;
}

} // namespace mgw::mail
