#include "lib/smtp/client_session.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// A server says anything in pieces of any size: the session always ends up wanting something, and holds to its bounds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace mgw::smtp;
    if (size < 2)
        return 0;
    const std::size_t step = data[0] + 1U;
    const bool lmtp = (data[1] & 1) != 0;
    const std::string_view server(reinterpret_cast<const char*>(data) + 2, size - 2);
    static const std::string message = "A: b\r\n\r\n.x\r\n";
    const Mail mail{
        "a@x.example", "RET=HDRS", {{"b@y.example", ""}, {"c@y.example", "NOTIFY=NEVER"}}, message, survey(message)};
    Session session({"me.example", lmtp, (data[1] & 2) != 0 ? TlsLevel::may : TlsLevel::none});
    for (std::size_t at = 0; at < server.size(); at += step) {
        for (auto out = session.output(); !out.empty(); out = session.output())
            if (out.find("\r\n") == std::string::npos)
                std::abort();
        if (session.want() == Session::Want::start_tls)
            session.tls_started();
        if (session.want() == Session::Want::commit)
            session.commit();
        if (session.want() == Session::Want::idle)
            session.begin(mail);
        if (session.want() == Session::Want::closed)
            break;
        session.receive(server.substr(at, step));
    }
    session.lost("end");
    for (const auto& outcome : session.outcomes())
        if (outcome.text.size() > 400)
            std::abort();
    return 0;
}
