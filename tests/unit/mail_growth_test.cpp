#include "lib/mail/address.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/content_type.hpp"
#include "lib/mail/parts.hpp"
#include "lib/mail/readings.hpp"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <functional>
#include <gtest/gtest.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mgw::mail
{
namespace
{

Limits raised()
{
    Limits limits;
    limits.header_octets = limits.field_octets = limits.fields = limits.parts = limits.nesting = 1U << 30;
    return limits;
}

std::string repeat(std::string_view text, std::size_t count)
{
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

struct Case {
    const char* name;
    std::size_t count; ///< of the larger input
    std::function<std::string(std::size_t)> make;
    std::function<std::size_t(const std::string&)> work;
};
class Growth : public testing::TestWithParam<Case> {};

/// What work costs: instructions where the kernel counts them for us, else processor time.
class Meter {
public:
    Meter()
    {
        perf_event_attr what{};
        what.type = PERF_TYPE_HARDWARE;
        what.size = sizeof what;
        what.config = PERF_COUNT_HW_INSTRUCTIONS;
        what.exclude_kernel = 1;
        what.exclude_hv = 1;
        fd_ = static_cast<int>(::syscall(SYS_perf_event_open, &what, 0, -1, -1, 0));
    }
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;
    ~Meter()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }
    bool counts_instructions() const { return fd_ >= 0; }
    double now() const
    {
        std::uint64_t count = 0;
        if (fd_ >= 0 && ::read(fd_, &count, sizeof count) == sizeof count)
            return static_cast<double>(count);
        timespec t{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
    }

private:
    int fd_ = -1;
};

/// Twice the input may take 2.2 times the instructions. Processor time depends on caches and neighbours: there four
/// times the input may take ten times as long; quadratic work takes sixteen.
TEST_P(Growth, IsLinear)
{
    const Meter meter;
    const auto cost = [&](std::size_t count) {
        const std::string input = GetParam().make(count);
        double best = 1e18;
        for (int i = 0; i < (meter.counts_instructions() ? 1 : 3); ++i) {
            const double begin = meter.now();
            EXPECT_GT(GetParam().work(input), 0U);
            best = std::min(best, meter.now() - begin);
        }
        return best;
    };
    const std::size_t factor = meter.counts_instructions() ? 2 : 4;
    const double small = cost(GetParam().count / factor);
    const double large = cost(GetParam().count);
    EXPECT_LT(large, meter.counts_instructions() ? 2.2 * small : 10 * small + 2e6) << small << ", then " << large;
}

std::size_t index(const std::string& octets)
{
    const Message m(octets, raised());
    std::size_t total = 1;
    for (const auto& field : m.fields())
        total += m.value(field).size();
    return total;
}
std::size_t parts(const std::string& octets)
{
    const Message m(octets, raised());
    return Parts(m, raised()).all().size();
}

/// Everything that every reading sees.
std::size_t contents(const std::string& octets)
{
    const Message m(octets, raised());
    const Parts tree(m, raised());
    std::size_t total = 1;
    const auto summary = for_each_content(m, tree, raised(), [&](const Content& c) { total += c.octets.size(); });
    EXPECT_TRUE(is_ambiguous(summary.oddities));
    return total;
}

std::string nested(std::size_t depth, bool closed)
{
    std::string out;
    for (std::size_t i = 0; i < depth; ++i) {
        const auto boundary = "b" + std::to_string(i) + "x";
        out.append("Content-Type: multipart/mixed; boundary=").append(boundary);
        out.append("\r\n\r\n--").append(boundary).append("\r\n");
    }
    out += "\r\nx\r\n";
    for (std::size_t i = depth; closed && i > 0; --i)
        out.append("--b").append(std::to_string(i - 1)).append("x--\r\n");
    return out;
}

const std::string mixed = "Content-Type: multipart/mixed; boundary=b\r\n";

INSTANTIATE_TEST_SUITE_P(
    Inputs, Growth,
    testing::Values(
        Case{"fields", 100000, [](std::size_t n) { return repeat("A: b\r\n", n) + "\r\n"; }, index},
        Case{"header_line", 3000000, [](std::size_t n) { return "A: " + std::string(n, 'x') + "\n\n"; }, index},
        Case{"folds", 300000, [](std::size_t n) { return "A:" + repeat("\n x", n) + "\n\n"; }, index},
        Case{"siblings", 100000, [](std::size_t n) { return mixed + "\r\n" + repeat("--b\r\n\r\nx\r\n", n); }, parts},
        Case{"nested", 10000, [](std::size_t n) { return nested(n, true); }, parts},
        Case{"nested_unclosed", 10000, [](std::size_t n) { return nested(n, false); }, parts},
        Case{"nested_messages", 10000,
             [](std::size_t n) { return repeat("Content-Type: message/rfc822\r\n\r\n", n) + "A: b\r\n\r\nx"; }, parts},
        Case{"nested_and_alike", 10000,
             [](std::size_t n) {
                 // many open boundaries of which each line could be one
                 return nested(n / 2, false) + repeat("--b1\r\n--b1x1\r\n", n / 2);
             },
             parts},
        Case{"nested_headers_that_break_off", 4000,
             [](std::size_t n) {
                 std::string out;
                 for (std::size_t i = 0; i < n; ++i) {
                     const auto b = std::to_string(i);
                     out += "Content-Type: multipart/mixed; boundary=b" + b + "\r\nno field\r\n--b" + b + "\r\n";
                 }
                 return out;
             },
             parts},
        Case{"long_line", 3000000, [](std::size_t n) { return mixed + "\r\n--b\r\n\r\n" + std::string(n, 'x'); },
             parts},
        Case{"dashes", 1000000, [](std::size_t n) { return mixed + "\r\n--b\r\n\r\n" + std::string(n, '-'); }, parts},
        Case{"dashes_in_lines", 1000000,
             [](std::size_t n) { return mixed + "\r\n--b\r\n\r\n" + repeat("x --a", n / 5); }, parts},
        Case{"pieces_of_a_name", 100000,
             [](std::size_t n) { return "Content-Type: x/y; name*1=b" + repeat("; name*0=a", n) + "\r\n\r\nx"; },
             contents},
        Case{"names_that_are_none", 100000,
             [](std::size_t n) { return "Content-Type: x/y; name*1=b; x=\"" + repeat("name", n) + "\"\r\n\r\nx"; },
             contents},
        Case{"types_that_are_none", 100000,
             [](std::size_t n) {
                 return "Content-Type: x/y; name*1=b; x=\"" + repeat("content-type ", n) + "\"\r\n\r\nx";
             },
             contents},
        Case{"files_in_text", 30000,
             [](std::size_t n) { return "A: b\r\n\r\n" + repeat("begin 644 a\r\n#8F]O\r\n", n); }, contents},
        Case{"files_without_end", 100000,
             [](std::size_t n) { return "A: b\r\n\r\n" + repeat("=ybegin a\r\nbegin  b\r\n#8F]O\r\n", n); }, contents},
        Case{"readings_of_many_parts", 5000,
             [](std::size_t n) {
                 return mixed + mixed + "\r\n" + repeat("--b\r\nContent-Type: a/b; name=c\r\n\r\nx\r\n", n);
             },
             contents},
        Case{"readings_of_junk", 400000,
             [](std::size_t n) {
                 return "Content-Transfer-Encoding: base64,qp\r\n\r\n" + repeat("QU=JD#Rkw\r\n", n / 11);
             },
             contents},
        Case{"readings_of_bare_cr", 200000,
             [](std::size_t n) { return mixed + mixed + "\r\n" + std::string(n, '\r') + repeat("--\r", n / 4); },
             contents},
        Case{"readings_of_dashes", 300000,
             [](std::size_t n) { return mixed + mixed + "\r\n" + repeat("--b --b\r\n\r\n", n / 12); }, contents},
        Case{"readings_of_begin_lines", 1000000,
             [](std::size_t n) { return mixed + mixed + "\r\n" + repeat("begin 644 x\r\n=ybegin \r\n", n / 24); },
             contents},
        Case{"readings_of_names", 20000,
             [](std::size_t n) { return mixed + mixed + "X: " + repeat("name=(\\\"=?a?q?b?=;", n / 18) + "\r\n\r\nx"; },
             contents},
        Case{"readings_of_names_alone", 1000000,
             [](std::size_t n) { return mixed + mixed + "X: " + repeat("name", n / 4) + "\r\n\r\nx"; }, contents},
        Case{"readings_of_types_alone", 1000000,
             [](std::size_t n) { return mixed + mixed + "X: " + repeat("content-type", n / 12) + "\r\n\r\nx"; },
             contents},
        Case{"addresses", 30000, [](std::size_t n) { return repeat("a@b.cd, ", n); },
             [](const std::string& v) { return parse_addresses(v, v.size()).size(); }},
        Case{"open_angles", 2400000, [](std::size_t n) { return std::string(n, '<'); },
             [](const std::string& v) { return parse_addresses(v, v.size()).size() + 1; }},
        Case{"comments", 2400000, [](std::size_t n) { return std::string(n, '('); },
             [](const std::string& v) {
                 return parse_addresses(v, v.size()).size() + parse_content_type(v).parameters.size() + 1;
             }},
        Case{"parameters", 300000, [](std::size_t n) { return "a/b" + repeat("; a=b", n); },
             [](const std::string& v) { return parse_content_type(v).parameters.size(); }},
        Case{"word_starts", 20000, [](std::size_t n) { return repeat("=?a?q? ", n); },
             [](const std::string& v) { return decode_words(v, v.size()).size(); }},
        Case{"qp_blanks", 3000000, [](std::size_t n) { return "=" + std::string(n, ' '); },
             [](const std::string& v) { return qp_decode(v).size() + 1; }}),
    [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace mgw::mail
