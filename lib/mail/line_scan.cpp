#include "lib/mail/line_scan.hpp"

#include "lib/core/cpu.hpp"

#include <bit>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mgw::mail
{

namespace
{

void look(char before, char c, LineEndOddities& seen)
{
    seen.nul |= c == '\0';
    seen.bare_cr |= (before == '\r') & (c != '\n');
    seen.bare_lf |= (before != '\r') & (c == '\n');
}

#if defined(__x86_64__)

/// Below this it does not pay to ask what the processor can do.
constexpr std::size_t worth_asking = 4096;

/// Looks at p[0] to p[count - 1], each with the octet before it; `count` is a multiple of 32.
__attribute__((target("avx2"))) void look_wide(const char* p, std::size_t count, LineEndOddities& seen)
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
    seen.nul |= _mm256_movemask_epi8(nul) != 0;
    seen.bare_cr |= _mm256_movemask_epi8(bare_cr) != 0;
    seen.bare_lf |= _mm256_movemask_epi8(bare_lf) != 0;
}

/// The first of p[0] to p[count - 1] that is of interest and stands behind an LF; `count`, a multiple of 32, for none.
__attribute__((target("avx2"))) std::size_t of_interest_wide(const char* p, std::size_t count)
{
    const __m256i lf = _mm256_set1_epi8('\n');
    for (std::size_t at = 0; at < count; at += 32) {
        const __m256i before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + at - 1));
        const __m256i behind_lf = _mm256_cmpeq_epi8(before, lf);
        if (_mm256_testz_si256(behind_lf, behind_lf) != 0)
            continue;
        const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + at));
        const __m256i wanted = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(here, _mm256_set1_epi8('-')),
                                                               _mm256_cmpeq_epi8(here, _mm256_set1_epi8('b'))),
                                               _mm256_or_si256(_mm256_cmpeq_epi8(here, _mm256_set1_epi8('=')),
                                                               _mm256_cmpeq_epi8(here, _mm256_set1_epi8('('))));
        const auto found = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_and_si256(behind_lf, wanted)));
        if (found != 0)
            return at + static_cast<std::size_t>(std::countr_zero(found));
    }
    return count;
}

#endif

} // namespace

LineEndOddities line_end_oddities(std::string_view octets)
{
    const char* const p = octets.data();
    const std::size_t size = octets.size();
    LineEndOddities seen;
    std::size_t at = 1;
    if (size > 0)
        look('\0', p[0], seen);
#if defined(__x86_64__)
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
        look(p[at - 1], p[at], seen);
    seen.bare_cr |= octets.ends_with('\r');
    return seen;
}

std::size_t next_line_of_interest(std::string_view octets, std::size_t at)
{
    const std::size_t size = octets.size();
    if (at >= size)
        return size;
#if defined(__x86_64__)
    if (size - at >= worth_asking && has_avx2()) {
        const std::size_t count = (size - at - 1) / 32 * 32;
        const std::size_t found = at + 1 + of_interest_wide(octets.data() + at + 1, count);
        if (found < at + 1 + count)
            return found;
        at += count;
    }
#endif
    const void* lf = std::memchr(octets.data() + at, '\n', size - at);
    return lf == nullptr ? size : static_cast<std::size_t>(static_cast<const char*>(lf) - octets.data()) + 1;
}

} // namespace mgw::mail
