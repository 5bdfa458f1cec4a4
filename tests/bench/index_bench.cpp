// How many octets a second the header index, the part tree and the decoders read, beside what the machine can do at
// best (memcpy, memchr for line ends) and beside mimetic and GMime. Prints medians of several runs, taken in turns, and
// their ratios; every option of Google Benchmark works. growth_bench says whether twice the input takes twice the time.
#include "lib/core/limits.hpp"
#include "lib/mail/codec.hpp"
#include "lib/mail/message.hpp"
#include "lib/mail/parts.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <mimetic/mimetic.h>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#ifdef MGW_GMIME
#include <gmime/gmime.h>
#endif

namespace
{

/// The same numbers on every machine: std::uniform_int_distribution is not the same in every C++ library.
class Dice {
public:
    std::size_t roll(std::size_t sides) { return engine_() % sides; }

private:
    std::mt19937 engine_{20261124};
};

std::string octets(Dice& dice, std::size_t count)
{
    std::string out(count, '\0');
    std::ranges::generate(out, [&] { return static_cast<char>(dice.roll(256)); });
    return out;
}

std::string text(Dice& dice, std::size_t count)
{
    static constexpr std::string_view words[] = {"the",       "letter", "of",      "yesterday", "came",   "late",
                                                 "and",       "nobody", "read",    "it",        "before", "noon",
                                                 "=C3=BCber", "a",      "gateway", "for"};
    std::string out;
    std::size_t column = 0;
    while (out.size() < count) {
        const auto word = words[dice.roll(std::size(words))];
        out.append(word).append(column + word.size() > 64 ? "\r\n" : " ");
        column = out.ends_with('\n') ? 0 : column + word.size() + 1;
    }
    return out + "=E2=82=AC 12=\r\n, paid\r\n";
}

std::string header(Dice& dice, std::size_t number)
{
    const std::string id = std::to_string(number);
    std::string out;
    for (std::size_t i = 2 + dice.roll(5); i > 0; --i)
        out += "Received: from mail" + std::to_string(i) +
               ".example.net (mail.example.net [192.0.2.7])\r\n\tby mx.example.org with ESMTPS id 0123456789ABCDEF\r\n"
               "\tfor <bob@example.org>; Tue, 24 Nov 2026 05:47:35 +0000\r\n";
    for (std::size_t i = 4 + dice.roll(12); i > 0; --i)
        out += "X-Other-" + std::to_string(i) + ": some value that nobody looks at; with=parameters\r\n";
    return out + "From: Alice <alice@example.net>\r\nTo: Bob <bob@example.org>, Carol <carol@example.org>\r\n" +
           "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_dem_Urlaub?= and a long subject\r\n\tthat goes on\r\n"
           "Date: Tue, 24 Nov 2026 05:47:35 +0000\r\nMessage-ID: <" +
           id + "@example.net>\r\nMIME-Version: 1.0\r\n";
}

/// A letter of 2 to 50 KB; two of three carry an attachment in base64.
std::string letter(Dice& dice, std::size_t number)
{
    const std::size_t size = 2'000 + dice.roll(48'000);
    std::string out = header(dice, number);
    if (number % 3 == 0) {
        out += "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
        return out + text(dice, size > out.size() ? size - out.size() : 0);
    }
    const std::string boundary = "=_0123456789abcdef" + std::to_string(number);
    out += "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\nThis is MIME.\r\n--" + boundary +
           "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
           text(dice, 400 + dice.roll(1'600)) + "\r\n--" + boundary +
           "\r\nContent-Type: application/pdf; name=\"report.pdf\"\r\n"
           "Content-Disposition: attachment; filename=\"report.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    const std::size_t rest = size > out.size() ? size - out.size() : 0;
    return out + mgw::mail::base64_encode(octets(dice, rest / 78 * 57 + 1)) + "--" + boundary + "--\r\n";
}

const std::vector<std::string>& corpus()
{
    static const auto letters = [] {
        Dice dice;
        std::vector<std::string> out;
        for (std::size_t i = 0; i < 200; ++i)
            out.push_back(letter(dice, i));
        return out;
    }();
    return letters;
}

std::size_t corpus_octets()
{
    std::size_t sum = 0;
    for (const auto& message : corpus())
        sum += message.size();
    return sum;
}

/// Runs `read` on every letter of the corpus.
template <class Read> void over_corpus(benchmark::State& state, Read read)
{
    const auto& letters = corpus();
    for (auto _ : state)
        for (const auto& message : letters)
            read(message);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(corpus_octets()));
}

/// Runs `read` on one text.
template <class Read> void over_text(benchmark::State& state, const std::string& input, Read read)
{
    for (auto _ : state)
        read(input);
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(input.size()));
    state.SetComplexityN(static_cast<std::int64_t>(input.size()));
}

std::size_t count_lines(std::string_view message)
{
    std::size_t lines = 0;
    const char* p = message.data();
    const char* const end = p + message.size();
    while (p < end &&
           (p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)))) != nullptr) {
        ++p;
        ++lines;
    }
    return lines;
}

void index_header(const std::string& message)
{
    const mgw::mail::Message index(message);
    benchmark::DoNotOptimize(index.fields().data());
}

void index_parts(const std::string& message)
{
    const mgw::mail::Message index(message);
    const mgw::mail::Parts parts(index);
    benchmark::DoNotOptimize(parts.all().data());
}

void copying(benchmark::State& state)
{
    std::string to(60'000, '\0');
    over_corpus(state, [&](const std::string& message) {
        std::memcpy(to.data(), message.data(), std::min(message.size(), to.size()));
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    });
}
void line_ends(benchmark::State& state)
{
    over_corpus(state, [](const std::string& message) { benchmark::DoNotOptimize(count_lines(message)); });
}
void message_header(benchmark::State& state)
{
    std::size_t sum = 0;
    for (const auto& message : corpus())
        sum += mgw::mail::Message(message).body_begin();
    over_corpus(state, index_header);
    // the index does not look at the body: its speed is that of the header's octets
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sum));
}
void header_line_ends(benchmark::State& state)
{
    std::vector<std::string_view> headers;
    std::size_t sum = 0;
    for (const auto& message : corpus()) {
        headers.push_back(std::string_view(message).substr(0, mgw::mail::Message(message).body_begin()));
        sum += headers.back().size();
    }
    for (auto _ : state)
        for (const auto& one : headers)
            benchmark::DoNotOptimize(count_lines(one));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sum));
}
void all_oddities(benchmark::State& state)
{
    over_corpus(state, [](const std::string& message) {
        benchmark::DoNotOptimize(mgw::mail::Message(message).all_oddities());
    });
}
void part_tree(benchmark::State& state)
{
    over_corpus(state, index_parts);
}
void mimetic_parse(benchmark::State& state)
{
    // it reads no field's value before it is asked for one; what both must find is the parts
    for (const auto& message : corpus()) {
        const mimetic::MimeEntity entity(message.begin(), message.end());
        if (entity.body().parts().size() + 1 != mgw::mail::Parts(mgw::mail::Message(message)).all().size()) {
            state.SkipWithError("mimetic found other parts than mgw");
            return;
        }
    }
    over_corpus(state, [](const std::string& message) {
        mimetic::MimeEntity entity(message.begin(), message.end());
        benchmark::DoNotOptimize(entity.body().parts().size());
    });
}

void base64(benchmark::State& state)
{
    Dice dice;
    over_text(state, mgw::mail::base64_encode(octets(dice, 300'000)),
              [](const std::string& input) { benchmark::DoNotOptimize(mgw::mail::base64_decode(input)); });
}
void quoted_printable(benchmark::State& state)
{
    Dice dice;
    over_text(state, text(dice, 400'000),
              [](const std::string& input) { benchmark::DoNotOptimize(mgw::mail::qp_decode(input)); });
}

#ifdef MGW_GMIME
/// Reads one message as GMime does; the caller owns the result.
GMimeMessage* read_with_gmime(const std::string& message)
{
    GMimeStream* source = g_mime_stream_mem_new_with_buffer(message.data(), message.size());
    GMimeParser* parser = g_mime_parser_new_with_stream(source);
    GMimeMessage* out = g_mime_parser_construct_message(parser, nullptr);
    g_object_unref(parser);
    g_object_unref(source);
    return out;
}
void gmime_parse(benchmark::State& state)
{
    g_mime_init();
    for (const auto& message : corpus()) {
        GMimeMessage* parsed = read_with_gmime(message);
        int parts = 1;
        g_mime_message_foreach(
            parsed,
            [](GMimeObject*, GMimeObject* part, void* count) {
                *static_cast<int*>(count) += GMIME_IS_MULTIPART(part) ? 0 : 1;
            },
            &parts);
        const std::size_t ours = mgw::mail::Parts(mgw::mail::Message(message)).all().size();
        g_object_unref(parsed);
        // a single part is the message itself
        if (static_cast<std::size_t>(parts) != std::max<std::size_t>(ours, 2)) {
            state.SkipWithError("GMime found other parts than mgw");
            return;
        }
    }
    over_corpus(state, [](const std::string& message) { g_object_unref(read_with_gmime(message)); });
}
BENCHMARK(gmime_parse);
#endif

/// Prints the medians, and keeps them for the ratios.
class Medians : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override
    {
        for (const Run& run : runs) {
            if (run.error_occurred)
                std::printf("%-18s %s\n", run.benchmark_name().c_str(), run.error_message.c_str());
            if (run.run_type != Run::RT_Aggregate || run.aggregate_name != "median")
                continue;
            const auto rate = run.counters.find("bytes_per_second");
            const double megabytes = rate == run.counters.end() ? 0 : rate->second.value / 1e6;
            std::printf("%-18s %8.0f MB/s\n", run.run_name.function_name.c_str(), megabytes);
            rates_[run.run_name.function_name] = megabytes;
        }
        std::fflush(stdout);
    }
    /// Nothing where one of them did not run.
    void print_ratio(const char* one, const char* other) const
    {
        const auto a = rates_.find(one);
        const auto b = rates_.find(other);
        if (a != rates_.end() && b != rates_.end() && b->second > 0)
            std::printf("%s / %s: %.2f\n", one, other, a->second / b->second);
    }

private:
    std::map<std::string, double> rates_;
};

} // namespace

BENCHMARK(copying);
BENCHMARK(line_ends);
BENCHMARK(header_line_ends);
BENCHMARK(message_header);
BENCHMARK(all_oddities);
BENCHMARK(part_tree);
BENCHMARK(mimetic_parse);
BENCHMARK(base64);
BENCHMARK(quoted_printable);

int main(int argc, char** argv)
{
    // what the command line says comes later and wins
    std::vector<std::string> words{argv[0], "--benchmark_repetitions=7", "--benchmark_min_time=0.1",
                                   "--benchmark_enable_random_interleaving=true"};
    words.insert(words.end(), argv + 1, argv + argc);
    std::vector<char*> pointers;
    for (auto& word : words)
        pointers.push_back(word.data());
    int count = static_cast<int>(pointers.size());
    benchmark::Initialize(&count, pointers.data());
    if (benchmark::ReportUnrecognizedArguments(count, pointers.data()))
        return 64;
    Medians medians;
    benchmark::RunSpecifiedBenchmarks(&medians);
    for (const char* ours : {"message_header", "all_oddities", "part_tree"})
        medians.print_ratio(ours, ours == std::string_view("message_header") ? "header_line_ends" : "line_ends");
    for (const char* other : {"mimetic_parse", "gmime_parse"})
        medians.print_ratio("part_tree", other);
    return 0;
}
