// An authentication in which a client says anything: its login is a name, its questions fit into packets, and it gets
// in only with the password.
#include "lib/core/text.hpp"
#include "lib/smtp/credential_keeper.hpp"
#include "lib/smtp/credentials.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mgw;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using Step = smtp::SaslExchange::Step;
    static const auto credentials =
        *smtp::Credentials::parse(smtp::credential_line("user", "pencil", "salt", 4096), "fuzz");
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto lines = split(text, '\n');
    auto exchange = smtp::SaslExchange::begin(lines[0], "nonce");
    if (!exchange)
        return 0;
    exchange->start();
    bool had_password = false;
    for (std::size_t i = 1; i < lines.size(); ++i) {
        auto step = exchange->respond(lines[i]);
        if (step == Step::question) {
            const auto& question = exchange->question();
            const auto packet = smtp::question_packet(1, question);
            const auto read = smtp::read_question(packet);
            if (size <= 12288 && packet.size() > smtp::packet_octets)
                std::abort();
            if (!read || read->question.login != question.login || read->question.secret != question.secret)
                std::abort();
            had_password = had_password || question.secret == "pencil";
            step = exchange->answer(credentials.answer(question));
        }
        if (exchange->challenge().size() > 380)
            std::abort(); // it would not fit into a reply
        if (step == Step::success && (exchange->login() != "user" || !had_password))
            std::abort();
        if (step != Step::challenge)
            break;
    }
    smtp::read_question(text);
    smtp::read_answer(text);
    (void)smtp::Credentials::parse(text, "fuzz");
    return 0;
}
