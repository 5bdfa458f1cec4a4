#include "lib/core/cpu.hpp"
#include "lib/mail/base64_values.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/decoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mgw::mail
{

namespace
{

/// Every character's bits where they stand in its group of four; the highest bit marks what is not of the alphabet.
constexpr std::uint32_t odd = 1U << 31;
constexpr auto placed = [] {
    std::array<std::array<std::uint32_t, 256>, 4> t{};
    for (std::size_t place = 0; place < 4; ++place)
        for (std::size_t c = 0; c < 256; ++c)
            t[place][c] = base64_values[c] < base64_blank ? std::uint32_t{base64_values[c]} << (18 - 6 * place) : odd;
    return t;
}();

std::uint32_t group_at(const char* p)
{
    const auto at = [p](std::size_t i) { return placed[i][static_cast<unsigned char>(p[i])]; };
    return at(0) | at(1) | at(2) | at(3);
}

char* store_group(std::uint32_t group, char* to)
{
    to[0] = static_cast<char>(group >> 16);
    to[1] = static_cast<char>(group >> 8);
    to[2] = static_cast<char>(group);
    return to + 3;
}

/// Where a text and its octets stand.
struct Cursor {
    const char* from;
    char* to;
};

/// Past one line end, if one is there.
bool skip_line_end(const char*& p, const char* end)
{
    if (end - p >= 2 && p[0] == '\r' && p[1] == '\n')
        p += 2;
    else if (p < end && *p == '\n')
        ++p;
    else
        return false;
    return true;
}

/// Decodes whole groups, over line ends, until something else comes, or less than a group, or less room than a group's.
Cursor decode_groups(Cursor at, const char* end, const char* to_end)
{
    const char* p = at.from;
    char* to = at.to;
    for (;;) {
        while (end - p >= 8 && to_end - to >= 6) {
            const std::uint32_t first = group_at(p);
            const std::uint32_t second = group_at(p + 4);
            if (((first | second) & odd) != 0)
                break;
            to = store_group(second, store_group(first, to));
            p += 8;
        }
        while (end - p >= 4 && to_end - to >= 3) {
            const std::uint32_t group = group_at(p);
            if ((group & odd) != 0)
                break;
            to = store_group(group, to);
            p += 4;
        }
        if (to_end - to < 3 || !skip_line_end(p, end))
            return {p, to};
    }
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) __m256i twice(__m128i v)
{
    return _mm256_broadcastsi128_si256(v);
}

/// As decode_groups(), 32 characters a step. Writes up to 8 octets past what it decoded: `to_end` must leave them.
__attribute__((target("avx2"))) Cursor decode_groups_wide(Cursor at, const char* end, const char* to_end)
{
    // By a character's high four bits: between which bounds the alphabet lies there, and what makes it a value. Only
    // '+' and '/' share these bits without being neighbours: the bounds hold '/', and '+' is looked for alone.
    const __m256i lowest =
        twice(_mm_setr_epi8(127, 127, '/', '0', 'A', 'P', 'a', 'p', 127, 127, 127, 127, 127, 127, 127, 127));
    const __m256i highest = twice(_mm_setr_epi8(0, 0, '/', '9', 'O', 'Z', 'o', 'z', 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i shift =
        twice(_mm_setr_epi8(0, 0, 63 - '/', 52 - '0', -'A', 15 - 'P', 26 - 'a', 41 - 'p', 0, 0, 0, 0, 0, 0, 0, 0));
    const __m256i order = twice(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
    const __m256i close_up = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
    const __m256i four_bits = _mm256_set1_epi8(15);
    const __m256i plus = _mm256_set1_epi8('+');
    const __m256i plus_shift = _mm256_set1_epi8((62 - '+') - (63 - '/'));
    const char* p = at.from;
    char* to = at.to;
    while (end - p >= 32 && to_end - to >= 32) {
        const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        const __m256i row = _mm256_and_si256(_mm256_srli_epi16(text, 4), four_bits);
        const __m256i is_plus = _mm256_cmpeq_epi8(text, plus);
        const __m256i outside = _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_shuffle_epi8(lowest, row), text),
                                                _mm256_cmpgt_epi8(text, _mm256_shuffle_epi8(highest, row)));
        const auto odd_ones = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_andnot_si256(is_plus, outside)));
        const __m256i six_bits = _mm256_add_epi8(_mm256_add_epi8(text, _mm256_shuffle_epi8(shift, row)),
                                                 _mm256_and_si256(is_plus, plus_shift));
        const __m256i twelve_bits = _mm256_maddubs_epi16(six_bits, _mm256_set1_epi16(0x0140));
        const __m256i groups = _mm256_madd_epi16(twelve_bits, _mm256_set1_epi32(0x00011000));
        const __m256i octets = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(groups, order), close_up);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), octets);
        if (odd_ones == 0) {
            p += 32;
            to += 24;
            continue;
        }
        const auto good = static_cast<unsigned>(std::countr_zero(odd_ones)); // the groups before are right
        p += good / 4 * 4;
        to += good / 4 * 3;
        if (good % 4 != 0 || !skip_line_end(p, end))
            break;
    }
    return {p, to};
}

#endif

} // namespace

std::size_t Base64Decoder::feed_groups(std::string_view text, std::string& out)
{
    constexpr std::size_t slack = 8;
    const std::size_t had = out.size();
    const std::size_t most = std::min(text.size() / 4 * 3, room_);
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const char* read = begin;
    out.resize_and_overwrite(had + most + slack, [&](char* octets, std::size_t) {
        Cursor at{begin, octets + had};
        const char* const to_end = at.to + most;
#if defined(__x86_64__)
        constexpr std::size_t worth_asking = 128;
        if (text.size() >= worth_asking && has_avx2())
            at = decode_groups_wide(at, end, to_end + slack);
#endif
        at = decode_groups(at, end, to_end);
        read = at.from;
        return static_cast<std::size_t>(at.to - octets);
    });
    room_ -= out.size() - had;
    return static_cast<std::size_t>(read - begin);
}

void Base64Decoder::put_partial(std::string& out)
{
    if (have_ == 2)
        put(std::string{static_cast<char>(bits_ >> 4)}, out);
    if (have_ == 3)
        put(std::string{static_cast<char>(bits_ >> 10), static_cast<char>(bits_ >> 2)}, out);
    have_ = 0;
}

void Base64Decoder::feed_one(char c, std::string& out)
{
    const std::uint8_t v = base64_value(c);
    if (v < base64_blank) {
        damaged_ = damaged_ || padded_; // data after padding: programs differ, we read on
        padded_ = false;
        bits_ = bits_ << 6 | v;
        if (++have_ == 4) {
            std::array<char, 3> octets{};
            store_group(bits_, octets.data());
            put({octets.data(), octets.size()}, out);
            have_ = 0;
        }
    } else if (v == base64_pad) {
        put_partial(out);
        padded_ = true;
    } else if (v == base64_junk) {
        damaged_ = true;
    }
}

void Base64Decoder::feed(std::string_view text, std::string& out)
{
    while (!text.empty()) {
        if (room_ == 0) { // line ends that follow are no loss
            have_ = 0;
            damaged_ = damaged_ || std::ranges::any_of(text, [](char c) { return base64_value(c) < base64_blank; });
            return;
        }
        constexpr std::size_t whole = 4;
        if (have_ == 0 && !padded_ && text.size() >= whole)
            text.remove_prefix(feed_groups(text, out));
        // up to the next place where groups may begin again
        while (!text.empty() && room_ != 0) {
            feed_one(text.front(), out);
            text.remove_prefix(1);
            if (have_ == 0 && !padded_ && text.size() >= whole && (group_at(text.data()) & odd) == 0)
                break;
        }
    }
}

void Base64Decoder::finish(std::string& out)
{
    if (have_ != 0)
        damaged_ = true;
    put_partial(out);
}

std::string base64_decode(std::string_view text, std::size_t limit_octets, bool* damaged)
{
    std::string out;
    Base64Decoder decoder(limit_octets);
    decoder.feed(text, out);
    decoder.finish(out);
    if (decoder.damaged() && damaged != nullptr)
        *damaged = true;
    return out;
}

namespace
{

/// Two characters for every twelve bits.
constexpr auto pairs = [] {
    std::array<std::array<char, 2>, 4096> t{};
    for (std::size_t i = 0; i < t.size(); ++i)
        t[i] = {base64_alphabet[i >> 6], base64_alphabet[i & 63]};
    return t;
}();

char* encode_line(const unsigned char* p, std::size_t octets, char* to)
{
    for (; octets >= 3; octets -= 3, p += 3) {
        const std::uint32_t group = std::uint32_t{p[0]} << 16 | std::uint32_t{p[1]} << 8 | p[2];
        std::memcpy(to, pairs[group >> 12].data(), 2);
        std::memcpy(to + 2, pairs[group & 4095].data(), 2);
        to += 4;
    }
    if (octets != 0) {
        const std::uint32_t group = std::uint32_t{p[0]} << 16 | (octets == 2 ? std::uint32_t{p[1]} << 8 : 0U);
        std::memcpy(to, pairs[group >> 12].data(), 2);
        to[2] = octets == 2 ? pairs[group & 4095][0] : '=';
        to[3] = '=';
        to += 4;
    }
    return to;
}

} // namespace

std::string base64_encode(std::string_view octets, std::size_t line_chars, std::string_view line_end)
{
    // a line holds at least one group
    const std::size_t line_octets = line_chars == 0 ? octets.size() : std::max<std::size_t>(line_chars / 4, 1) * 3;
    const std::size_t lines = line_chars == 0 || octets.empty() ? 0 : (octets.size() + line_octets - 1) / line_octets;
    const std::size_t size = (octets.size() + 2) / 3 * 4 + lines * line_end.size();
    std::string out;
    out.resize_and_overwrite(size, [&](char* to, std::size_t /* may be more */) {
        for (std::size_t at = 0; at < octets.size(); at += line_octets) {
            to = encode_line(reinterpret_cast<const unsigned char*>(octets.data()) + at,
                             std::min(line_octets, octets.size() - at), to);
            if (lines != 0)
                to = std::copy(line_end.begin(), line_end.end(), to);
        }
        return size;
    });
    return out;
}

} // namespace mgw::mail
