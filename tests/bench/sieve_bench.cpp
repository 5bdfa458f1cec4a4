// How many messages a policy decides in a second of CPU: a policy on the header and results, and the inbound one.
#include "lib/core/fd.hpp"
#include "lib/filter/compiler.hpp"
#include "lib/filter/decide.hpp"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

namespace
{

constexpr std::string_view header_policy =
    R"(require ["envelope", "fileinto", "ereject", "relational", "comparator-i;ascii-numeric"];
if header :contains "subject" ["viagra", "lottery", "casino", "you have won"] { fileinto "Junk"; stop; }
if address :domain "from" ["bad.example", "worse.example"] { ereject "no"; stop; }
if allof (exists "list-id", not header :matches "list-id" "*<dev.example.org>*") { fileinto "Lists"; stop; }
if header :value "gt" :comparator "i;ascii-numeric" "x-spam-score" "10" { fileinto "Junk"; stop; }
if envelope :localpart "to" ["team", "info"] { fileinto "Team"; }
if size :over 10M { fileinto "Large"; }
)";

std::string a_message()
{
    std::string out;
    for (int i = 0; i < 6; ++i)
        out += "Received: from mail" + std::to_string(i) +
               ".example.net (mail.example.net [192.0.2.7])\r\n\tby mx.example.org "
               "with ESMTPS id 0123456789ABCDEF\r\n\tfor <bob@example.org>; Tue, 24 Nov 2026 05:47:35 +0000\r\n";
    for (int i = 0; i < 12; ++i)
        out += "X-Other-" + std::to_string(i) + ": some value that nobody looks at; with=parameters\r\n";
    out += "From: Alice <alice@example.net>\r\nTo: Bob <bob@example.org>, Carol <carol@example.org>\r\n"
           "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_dem_Urlaub?= and a long subject\r\n\tthat goes on\r\n"
           "Date: Tue, 24 Nov 2026 05:47:35 +0000\r\nMessage-ID: <1@example.net>\r\n\r\n";
    while (out.size() < 42'000)
        out += "A line of text as it stands in a letter, neither long nor short, seventy octets.\r\n";
    return out;
}

void decides(benchmark::State& state, std::string_view script)
{
    const auto compiled = mgw::filter::compile(script, {.name = "bench.sieve"});
    if (!compiled.program) {
        state.SkipWithError("the policy does not compile");
        return;
    }
    const std::string message = a_message();
    mgw::mail::Block start;
    start.set_from("alice@example.net");
    start.add_recipient("1", "bob@example.org");
    start.add_result("mgw-auth", {{"spf", "pass"}, {"dkim", "pass"}, {"dmarc", "pass"}, {"policy", "reject"}});
    start.add_result("mgw-scan", {{"virus", "clean"},
                                  {"parts", "2"},
                                  {"file.1", "a.pdf"},
                                  {"type.1", "application/pdf"},
                                  {"true.1", "application/pdf"}});
    for (auto _ : state) {
        mgw::mail::Block block = start;
        benchmark::DoNotOptimize(mgw::filter::decide(*compiled.program, message, block, {}, {}, false));
    }
    state.SetItemsProcessed(state.iterations());
}

void header(benchmark::State& state)
{
    decides(state, header_policy);
}
void inbound(benchmark::State& state)
{
    const auto script = mgw::read_file(MGW_SHARE "/pipelines/inbound.sieve");
    decides(state, script ? *script : "");
}
void compiling(benchmark::State& state)
{
    for (auto _ : state)
        benchmark::DoNotOptimize(mgw::filter::compile(header_policy, {}));
}

} // namespace

BENCHMARK(header);
BENCHMARK(inbound);
BENCHMARK(compiling);
BENCHMARK_MAIN();
