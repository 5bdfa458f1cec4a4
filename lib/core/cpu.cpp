#include "lib/core/cpu.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace mgw
{

#if defined(__x86_64__)

bool has_avx2()
{
    static const bool found = [] {
        unsigned a = 0;
        unsigned b = 0;
        unsigned c = 0;
        unsigned d = 0;
        if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0)
            return false;
        if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & bit_AVX2) == 0)
            return false;
        unsigned low = 0;
        unsigned high = 0;
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return (low & 6U) == 6U; // the system saves both halves of the wide registers
    }();
    return found;
}

bool has_sse42()
{
    static const bool found = [] {
        unsigned a = 0;
        unsigned b = 0;
        unsigned c = 0;
        unsigned d = 0;
        return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_2) != 0;
    }();
    return found;
}

#else

bool has_avx2()
{
    return false;
}

bool has_sse42()
{
    return false;
}

#endif

} // namespace mgw
