// Whether twice the input takes twice the time: messages that grow in one way, read with the limits raised by mgw
// ("all": with every reading) and, for comparison, by GMime. Each reading is done in a process of its own; the best
// time of three, and the memory that it took. The last column is the time for the whole input by the time for half of
// it: 2 is linear, 4 quadratic.
#include "lib/core/limits.hpp"
#include "lib/mail/address.hpp"
#include "lib/mail/message.hpp"
#include "lib/mail/parts.hpp"
#include "lib/mail/readings.hpp"

#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef MGW_GMIME
#include <gmime/gmime.h>
#endif

namespace
{

constexpr std::size_t no_limit = std::size_t{1} << 30;

std::string repeat(std::string_view text, std::size_t count)
{
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

std::string siblings(std::size_t count)
{
    return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
           repeat("--b\r\nContent-Type: text/plain\r\n\r\nA line.\r\n", count) + "--b--\r\n";
}
/// Each part can be read in several ways.
std::string ambiguous(std::size_t count)
{
    return "Content-Type: multipart/mixed; boundary=b; boundary=\"b \"\r\nContent-Type: multipart/mixed\r\n\r\n" +
           repeat("--b\r\n \r\nContent-Transfer-Encoding: x base64\r\nno field\r\nContent-Type: a/b; name=c; "
                  "name*0=d\r\n\r\n"
                  "QUJD=QUJD=3D=3D==\r\nbegin 644 a\r\n#86)C\r\nend\r\n--bx\r\n",
                  count) +
           "--b--\r\n";
}
/// Every boundary parameter may be the one.
std::string boundaries(std::size_t count)
{
    std::string out = "Content-Type: multipart/mixed";
    std::string body;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string boundary = "b" + std::to_string(i);
        out += ";\r\n boundary=" + boundary;
        body += "--" + boundary + "\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n";
    }
    return out + "\r\n\r\n" + body;
}
/// Each multipart with a boundary of its own.
std::string nested(std::size_t count)
{
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string boundary = "b" + std::to_string(i) + "x";
        out += "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n";
    }
    return out + "\r\nA line.\r\n";
}
/// Each multipart with the same boundary: every delimiter could be everybody's.
std::string nested_alike(std::size_t count)
{
    return repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", count) + "\r\nA line.\r\n";
}
std::string nested_messages(std::size_t count)
{
    return repeat("Content-Type: message/rfc822\r\n\r\n", count) + "\r\nA line.\r\n";
}
std::string fields(std::size_t count)
{
    return repeat("X-Other: some value; with=parameters\r\n", count) + "\r\nA line.\r\n";
}
std::string header_line(std::size_t octets)
{
    return "X-Other: " + std::string(octets, 'x') + "\r\n\r\nA line.\r\n";
}
std::string body_line(std::size_t octets)
{
    return "X-Other: x\r\n\r\n" + std::string(octets, 'x') + "\r\n";
}
std::string recipients(std::size_t count)
{
    return "To: " + repeat("Bob <bob@example.org>,\r\n ", count) + "a@example.org\r\n\r\nA line.\r\n";
}

const mgw::Limits& wide()
{
    static const mgw::Limits limits = [] {
        mgw::Limits out;
        out.header_octets = out.field_octets = out.fields = out.parts = out.nesting = out.addresses = no_limit;
        return out;
    }();
    return limits;
}

std::size_t read_mgw(const std::string& octets)
{
    const mgw::mail::Message message(octets, wide());
    const mgw::mail::Parts parts(message, wide());
    const auto to = message.value_of("To");
    return parts.all().size() + (to ? mgw::mail::parse_addresses(*to, no_limit).size() : 0);
}

/// Every content of every reading, as a scanner asks for them.
std::size_t read_all(const std::string& octets)
{
    const mgw::mail::Message message(octets, wide());
    const mgw::mail::Parts parts(message, wide());
    std::size_t sum = 1;
    mgw::mail::for_each_content(message, parts, wide(),
                                [&](const mgw::mail::Content& content) { sum += content.octets.size(); });
    return sum;
}

#ifdef MGW_GMIME
std::size_t read_gmime(const std::string& octets)
{
    g_mime_init();
    GMimeStream* source = g_mime_stream_mem_new_with_buffer(octets.data(), octets.size());
    GMimeParser* parser = g_mime_parser_new_with_stream(source);
    GMimeMessage* message = g_mime_parser_construct_message(parser, nullptr);
    const int to = message != nullptr ? internet_address_list_length(g_mime_message_get_to(message)) : -1;
    return static_cast<std::size_t>(to + 2);
}
#endif

struct Cost {
    double seconds = 0;
    double megabytes = 0; ///< the largest set of resident pages, beyond what was there before
};

/// Nothing if the reader died or took more than 60 seconds.
std::optional<Cost> measure(std::size_t (*read)(const std::string&), const std::string& octets)
{
    int ends[2];
    if (pipe(ends) != 0)
        return std::nullopt;
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        const auto resident = [] {
            rusage usage{};
            getrusage(RUSAGE_SELF, &usage);
            return static_cast<double>(usage.ru_maxrss) / 1024;
        };
        Cost cost;
        const double before = resident();
        const std::clock_t begin = std::clock(); // of the processor: other work on the machine does not count
        const std::size_t found = read(octets);
        cost.seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
        cost.megabytes = resident() - before;
        const bool written = write(ends[1], &cost, sizeof cost) == static_cast<ssize_t>(sizeof cost);
        _exit(found > 0 && written ? 0 : 1);
    }
    close(ends[1]);
    Cost cost;
    const bool got = ::read(ends[0], &cost, sizeof cost) == static_cast<ssize_t>(sizeof cost);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return got && status == 0 ? std::optional(cost) : std::nullopt;
}

std::optional<Cost> best_of_three(std::size_t (*read)(const std::string&), const std::string& octets)
{
    std::optional<Cost> best;
    for (int i = 0; i < 3; ++i) {
        const auto cost = measure(read, octets);
        if (!cost)
            return std::nullopt;
        if (!best || cost->seconds < best->seconds)
            best = cost;
    }
    return best;
}

} // namespace

int main()
{
    struct Case {
        const char* name;
        std::string (*make)(std::size_t);
        std::size_t count;
    };
    constexpr Case cases[] = {
        {"100,000 parts", siblings, 100'000},
        {"20,000 ambiguous parts", ambiguous, 20'000},
        {"20,000 boundary parameters", boundaries, 20'000},
        {"10,000 nested", nested, 10'000},
        {"10,000 nested, one boundary", nested_alike, 10'000},
        {"10,000 nested messages", nested_messages, 10'000},
        {"100,000 fields", fields, 100'000},
        {"3 MB header line", header_line, 3'000'000},
        {"3 MB body line", body_line, 3'000'000},
        {"2.4 MB To, 100,000 addresses", recipients, 100'000},
    };
    struct Reader {
        const char* name;
        std::size_t (*read)(const std::string&);
    };
    const Reader readers[] = {
        {"mgw", read_mgw},
        {"all", read_all},
#ifdef MGW_GMIME
        {"gmime", read_gmime},
#endif
    };
    std::printf("%-30s %-6s %10s %10s %9s %9s %6s\n", "", "", "octets", "half, ms", "all, ms", "MB", "ratio");
    for (const Case& one : cases) {
        const std::string half = one.make(one.count / 2);
        const std::string all = one.make(one.count);
        for (const Reader& reader : readers) {
            const auto small = best_of_three(reader.read, half);
            const auto large = best_of_three(reader.read, all);
            if (small && large)
                std::printf("%-30s %-6s %10zu %10.2f %9.2f %9.1f %6.2f\n", one.name, reader.name, all.size(),
                            small->seconds * 1e3, large->seconds * 1e3, large->megabytes,
                            large->seconds / small->seconds);
            else
                std::printf("%-30s %-6s %10zu died, or took more than a minute\n", one.name, reader.name, all.size());
            std::fflush(stdout);
        }
    }
    return 0;
}
