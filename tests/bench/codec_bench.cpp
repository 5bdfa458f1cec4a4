// How many octets of input a second the transfer encodings are undone and done, beside OpenSSL, GMime and mimetic.
// All of them see the same text: base64 in lines of 76 characters with CRLF, quoted-printable of a letter.
#include "lib/mail/codec.hpp"
#include "lib/mail/crc32.hpp"
#include "lib/mail/decoder.hpp"
#include "lib/mail/uuencode.hpp"
#include "lib/mail/yenc.hpp"

#include <benchmark/benchmark.h>

#include <cassert>
#include <cstdint>
#ifdef MGW_GMIME
#include <gmime/gmime.h>
#endif
#include <iterator>
#include <mimetic/mimetic.h>
#include <openssl/evp.h>
#include <random>
#include <string>
#include <string_view>

namespace
{

std::string octets(std::size_t count)
{
    std::mt19937 engine{20261124};
    std::string out(count, '\0');
    for (char& c : out)
        c = static_cast<char>(engine());
    return out;
}

const std::string& file()
{
    static const std::string out = octets(9'000'000);
    return out;
}
const std::string& base64_text()
{
    static const std::string out = mgw::mail::base64_encode(file());
    return out;
}
/// About one octet in sixty is encoded, as in a letter in a language with some letters outside ASCII.
const std::string& qp_text()
{
    static const std::string out = [] {
        std::mt19937 engine{20261124};
        std::string text;
        while (text.size() < 9'000'000) {
            for (int line = 0; line < 4; ++line)
                text += "the letter came late yesterday and nobody read it before noon, so w=\r\n";
            text += engine() % 2 != 0 ? "=C3=BCber all that is said of it\r\n" : "=E2=82=AC 12, paid, thanks\r\n";
        }
        return text;
    }();
    return out;
}

template <class Work> void on(benchmark::State& state, const std::string& input, Work work)
{
    for (auto _ : state)
        work();
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(input.size()));
}

void base64_decode_mgw(benchmark::State& state)
{
    on(state, base64_text(), [] { benchmark::DoNotOptimize(mgw::mail::base64_decode(base64_text())); });
}
/// A piece of 64 KB in hand, the output reused.
void base64_decode_mgw_pieces(benchmark::State& state)
{
    constexpr std::size_t piece = 64U << 10;
    std::string out;
    on(state, base64_text(), [&] {
        mgw::mail::Base64Decoder decoder;
        for (std::size_t at = 0; at < base64_text().size(); at += piece) {
            out.clear();
            decoder.feed(std::string_view(base64_text()).substr(at, piece), out);
            benchmark::DoNotOptimize(out.data());
        }
        decoder.finish(out);
    });
}
void base64_decode_openssl(benchmark::State& state)
{
    std::string out(base64_text().size(), '\0');
    on(state, base64_text(), [&] {
        EVP_ENCODE_CTX* context = EVP_ENCODE_CTX_new();
        int n = 0;
        EVP_DecodeInit(context);
        EVP_DecodeUpdate(context, reinterpret_cast<unsigned char*>(out.data()), &n,
                         reinterpret_cast<const unsigned char*>(base64_text().data()),
                         static_cast<int>(base64_text().size()));
        EVP_ENCODE_CTX_free(context);
        benchmark::DoNotOptimize(out.data());
    });
}
#ifdef MGW_GMIME
void gmime_step(benchmark::State& state, GMimeContentEncoding encoding, bool encode, const std::string& input)
{
    std::string out(input.size() * 2, '\0');
    on(state, input, [&] {
        GMimeEncoding context;
        if (encode)
            g_mime_encoding_init_encode(&context, encoding);
        else
            g_mime_encoding_init_decode(&context, encoding);
        benchmark::DoNotOptimize(g_mime_encoding_flush(&context, input.data(), input.size(), out.data()));
    });
}
#endif
#ifdef MGW_GMIME
void base64_decode_gmime(benchmark::State& state)
{
    gmime_step(state, GMIME_CONTENT_ENCODING_BASE64, false, base64_text());
}
#endif
template <class Codec> void mimetic_step(benchmark::State& state, Codec codec, const std::string& input)
{
    std::string out;
    out.reserve(input.size() * 2);
    on(state, input, [&] {
        out.clear();
        auto copy = codec;
        mimetic::decode(input.begin(), input.end(), copy, std::back_inserter(out));
        benchmark::DoNotOptimize(out.data());
    });
}
void base64_decode_mimetic(benchmark::State& state)
{
    mimetic_step(state, mimetic::Base64::Decoder(), base64_text());
}

void base64_encode_mgw(benchmark::State& state)
{
    on(state, file(), [] { benchmark::DoNotOptimize(mgw::mail::base64_encode(file())); });
}
void base64_encode_openssl(benchmark::State& state)
{
    std::string out(file().size() * 2, '\0');
    on(state, file(), [&] {
        EVP_ENCODE_CTX* context = EVP_ENCODE_CTX_new();
        int n = 0;
        EVP_EncodeInit(context);
        EVP_EncodeUpdate(context, reinterpret_cast<unsigned char*>(out.data()), &n,
                         reinterpret_cast<const unsigned char*>(file().data()), static_cast<int>(file().size()));
        EVP_ENCODE_CTX_free(context);
        benchmark::DoNotOptimize(out.data());
    });
}
#ifdef MGW_GMIME
void base64_encode_gmime(benchmark::State& state)
{
    gmime_step(state, GMIME_CONTENT_ENCODING_BASE64, true, file());
}
#endif
void base64_encode_mimetic(benchmark::State& state)
{
    mimetic_step(state, mimetic::Base64::Encoder(76), file());
}

void qp_decode_mgw(benchmark::State& state)
{
    on(state, qp_text(), [] { benchmark::DoNotOptimize(mgw::mail::qp_decode(qp_text())); });
}
#ifdef MGW_GMIME
void qp_decode_gmime(benchmark::State& state)
{
    gmime_step(state, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, false, qp_text());
}
#endif
void qp_decode_mimetic(benchmark::State& state)
{
    mimetic_step(state, mimetic::QP::Decoder(), qp_text());
}

const std::string& uu_text()
{
    static const std::string out = [] {
        std::string lines = "begin 644 file\r\n";
        const auto digit = [](unsigned v) { return static_cast<char>(v == 0 ? '`' : v + 32); };
        for (std::size_t at = 0; at + 45 <= file().size(); at += 45) {
            lines += 'M';
            for (std::size_t i = at; i < at + 45; i += 3) {
                const auto o = [&](std::size_t k) -> unsigned { return static_cast<unsigned char>(file()[i + k]); };
                const unsigned group = o(0) << 16 | o(1) << 8 | o(2);
                for (const unsigned shift : {18U, 12U, 6U, 0U})
                    lines += digit(group >> shift & 63U);
            }
            lines += "\r\n";
        }
        return lines + "`\r\nend\r\n";
    }();
    return out;
}
void uu_decode_mgw(benchmark::State& state)
{
    on(state, uu_text(), [] { benchmark::DoNotOptimize(mgw::mail::uu_decode(uu_text())); });
}
void yenc_decode_mgw(benchmark::State& state)
{
    static const std::string text = [] {
        std::string lines = "=ybegin line=128 size=" + std::to_string(file().size()) + " name=file\r\n";
        std::size_t column = 0;
        for (const char c : file()) {
            const char e = static_cast<char>(static_cast<unsigned char>(c) + 42);
            if (e == '\0' || e == '\n' || e == '\r' || e == '=')
                lines.append("=").append(1, static_cast<char>(static_cast<unsigned char>(e) + 64));
            else
                lines += e;
            if (++column % 128 == 0)
                lines += "\r\n";
        }
        return lines + "\r\n=yend size=" + std::to_string(file().size()) + "\r\n";
    }();
    on(state, text, [] { benchmark::DoNotOptimize(mgw::mail::yenc_decode(text)); });
}
void crc32_mgw(benchmark::State& state)
{
    on(state, file(), [] { benchmark::DoNotOptimize(mgw::mail::crc32(file())); });
}

BENCHMARK(base64_decode_mgw);
BENCHMARK(base64_decode_mgw_pieces);
BENCHMARK(base64_decode_openssl);
BENCHMARK(base64_decode_mimetic);
BENCHMARK(base64_encode_mgw);
BENCHMARK(base64_encode_openssl);
BENCHMARK(base64_encode_mimetic);
BENCHMARK(qp_decode_mgw);
BENCHMARK(qp_decode_mimetic);
BENCHMARK(uu_decode_mgw);
BENCHMARK(yenc_decode_mgw);
BENCHMARK(crc32_mgw);
#ifdef MGW_GMIME
BENCHMARK(base64_decode_gmime);
BENCHMARK(base64_encode_gmime);
BENCHMARK(qp_decode_gmime);
#endif

} // namespace

BENCHMARK_MAIN();
