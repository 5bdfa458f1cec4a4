// How many octets a second an mbox is cut and its quoting is read and written, beside what the machine can do at best
// (memcpy, memchr for line ends) and beside a plain search for "\nFrom ".
#include "lib/mail/frame.hpp"
#include "lib/mail/mbox.hpp"

#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <string>
#include <string_view>

namespace
{

constexpr std::string_view separator = "From alice@example.net Tue Nov 24 05:47:35 2026\n";
constexpr std::size_t chunk = 256U << 10;

/// 64 MB: letters of 1 to 60 KB, text and base64 in turn, each with a quoted line.
const std::string& mbox()
{
    static const std::string octets = [] {
        std::mt19937 dice{20261124};
        static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        std::string out;
        for (std::size_t n = 1; out.size() < 64'000'000; ++n) {
            out.append(separator).append("Received: from a.example by b.example; Tue, 24 Nov 2026 05:47:35 +0000\n");
            out += "From: alice@example.net\nTo: bob@example.org\nSubject: number " + std::to_string(n) + "\n\n";
            const std::size_t end = out.size() + 1'000 + dice() % 59'000;
            while (out.size() < end) {
                if (n % 2 == 0) {
                    out += "Somebody wrote, and this is a line of plain text. From here it\n";
                    continue;
                }
                for (int i = 0; i < 76; ++i)
                    out += letters[dice() % 64];
                out += '\n';
            }
            out += ">From what follows nothing follows.\n\n";
        }
        return out;
    }();
    return octets;
}

template <class Read> void over_mbox(benchmark::State& state, Read read)
{
    const std::string& octets = mbox();
    for (auto _ : state)
        benchmark::DoNotOptimize(read(octets));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(octets.size()));
}

/// As from a file: copied in chunks, messages taken as they are whole.
template <class Take> std::size_t cut(std::string_view octets, Take take)
{
    mgw::mail::MboxReader reader;
    std::size_t count = 0;
    const auto take_all = [&] {
        while (const auto entry = reader.next()) {
            take(*entry);
            ++count;
        }
    };
    for (std::size_t at = 0; at < octets.size(); at += chunk) {
        reader.feed(octets.substr(at, chunk));
        take_all();
    }
    reader.finish();
    take_all();
    return count;
}

void copying(benchmark::State& state)
{
    std::string to(chunk, '\0');
    over_mbox(state, [&](std::string_view octets) {
        for (std::size_t at = 0; at + chunk <= octets.size(); at += chunk) {
            std::memcpy(to.data(), octets.data() + at, chunk);
            benchmark::ClobberMemory();
        }
        return to.data();
    });
}
void line_ends(benchmark::State& state)
{
    over_mbox(state, [](std::string_view octets) {
        std::size_t lines = 0;
        for (const char *p = octets.data(), *end = p + octets.size();
             p < end && (p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)))); ++p)
            ++lines;
        return lines;
    });
}
void plain_search(benchmark::State& state)
{
    over_mbox(state, [](std::string_view octets) {
        std::size_t count = 0;
        for (auto at = octets.find("\nFrom "); at != std::string_view::npos; at = octets.find("\nFrom ", at + 1))
            ++count;
        return count;
    });
}
void from_lines(benchmark::State& state)
{
    over_mbox(state, [](std::string_view octets) {
        std::size_t count = 0;
        for (auto at = mgw::mail::find_from_line(octets); at != std::string_view::npos;
             at = mgw::mail::find_from_line(octets, at + 1))
            ++count;
        return count;
    });
}
void cutting(benchmark::State& state)
{
    over_mbox(state, [](std::string_view octets) { return cut(octets, [](const auto&) {}); });
}
void cutting_and_quoting(benchmark::State& state)
{
    over_mbox(state, [](std::string_view octets) {
        return cut(octets, [](const mgw::mail::MboxEntry& entry) {
            benchmark::DoNotOptimize(mgw::mail::mboxrd_quote(mgw::mail::mboxrd_unquote(entry.text)).data());
        });
    });
}
void frames(benchmark::State& state)
{
    std::string stream;
    cut(mbox(), [&](const mgw::mail::MboxEntry& entry) {
        mgw::mail::Member member;
        member.block.set_id("01JDF3M1S8W7Q2E5T9XK4V6B0C");
        member.message = entry.text;
        mgw::mail::Frame frame{member.block.id(), {}};
        frame.members.push_back(std::move(member));
        stream += mgw::mail::frame_octets(frame);
    });
    for (auto _ : state) {
        mgw::mail::FrameReader reader;
        for (std::size_t at = 0; at < stream.size(); at += chunk) {
            reader.feed(std::string_view(stream).substr(at, chunk));
            while (auto frame = reader.next())
                if (!*frame)
                    break;
        }
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(stream.size()));
}

} // namespace

BENCHMARK(copying);
BENCHMARK(line_ends);
BENCHMARK(plain_search);
BENCHMARK(from_lines);
BENCHMARK(cutting);
BENCHMARK(cutting_and_quoting);
BENCHMARK(frames);
BENCHMARK_MAIN();
