#include "lib/smtp/credentials.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/smtp/scram.hpp"

#include <map>

namespace mgw::smtp
{

namespace
{

constexpr std::string_view scheme = "SCRAM-SHA-256$";
constexpr std::uint32_t most_iterations = 1'000'000; // of our own file
constexpr std::size_t key_octets = 32;
constexpr std::size_t most_salt_octets = 64;
constexpr std::size_t made_salt_octets = 16;

std::string stored_key_of(std::string_view salted)
{
    return scram::stored_key(scram::client_key(salted));
}

std::string base64(std::string_view octets)
{
    return mail::base64_encode(octets, 0);
}

} // namespace

std::string credential_line(std::string_view login, std::string_view password, std::string_view salt,
                            std::uint32_t iterations)
{
    const auto salted = scram::salted_password(password, salt, iterations);
    return std::string(login) + ":" + std::string(scheme) + std::to_string(iterations) + ":" + base64(salt) + "$" +
           base64(stored_key_of(salted)) + ":" + base64(scram::server_key(salted));
}

Result<Credentials> Credentials::parse(std::string_view text, std::string_view name)
{
    Credentials out;
    std::map<std::uint32_t, std::size_t> counts;
    std::size_t number = 0;
    for (auto line : split(text, '\n')) {
        ++number;
        line = trim(line);
        if (line.empty() || line.starts_with('#'))
            continue;
        const auto bad = [&](std::string what) {
            return fail(Status::config, std::string(name) + ":" + std::to_string(number) + ": " + std::move(what),
                        "mgw-recv passwd LOGIN makes such a line");
        };
        const auto at = line.find(":" + std::string(scheme));
        if (at == std::string_view::npos || at == 0)
            return bad("no LOGIN:SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER");
        const auto halves = split(line.substr(at + 1 + scheme.size()), '$');
        const auto how = split(halves[0], ':');
        const auto keys = halves.size() == 2 ? split(halves[1], ':') : decltype(halves){};
        if (how.size() != 2 || keys.size() != 2)
            return bad("no LOGIN:SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER");
        const auto iterations = parse_number(how[0]);
        if (!iterations || *iterations < scram::least_iterations || *iterations > most_iterations)
            return bad("iterations are 4096 to 1000000");
        const auto salt = strict_base64(how[1]);
        const auto stored = strict_base64(keys[0]);
        const auto server = strict_base64(keys[1]);
        if (!salt || salt->empty() || salt->size() > most_salt_octets || !stored || stored->size() != key_octets ||
            !server || server->size() != key_octets)
            return bad("salt and keys are base64, the salt of 1 to 64 octets, the keys of 32");
        const auto count = static_cast<std::uint32_t>(*iterations);
        if (!out.entries_.emplace(line.substr(0, at), Entry{count, *salt, *stored, *server}).second)
            return bad("login stands twice: " + printable(line.substr(0, at)));
        if (++counts[count] > counts[out.usual_iterations_])
            out.usual_iterations_ = count;
    }
    out.secret_ = hmac_sha256("mgw salt of unknown logins", text);
    return out;
}

Credentials::Entry Credentials::entry(const std::string& login, bool& known) const
{
    const auto found = entries_.find(login);
    // made for known ones as well, so that it takes no time of its own
    Entry made{usual_iterations_, hmac_sha256(secret_, login).substr(0, made_salt_octets),
               std::string(key_octets, '\0'), std::string(key_octets, '\0')};
    known = found != entries_.end();
    return known ? found->second : made;
}

CredentialAnswer Credentials::answer(const CredentialQuestion& question) const
{
    bool known = false;
    const auto has = entry(question.login, known);
    CredentialAnswer out;
    switch (question.kind) {
    case CredentialQuestion::Kind::salt:
        out.iterations = has.iterations;
        out.octets = has.salt;
        break;
    case CredentialQuestion::Kind::password: {
        const auto stored = stored_key_of(scram::salted_password(question.secret, has.salt, has.iterations));
        out.good = equal_secret(stored, has.stored_key) && known;
        break;
    }
    case CredentialQuestion::Kind::proof: {
        // the proof is the client's key under a mask that only who has the stored key can lift (RFC 5802 section 3)
        const auto client_key = scram::exclusive_or(scram::signature(has.stored_key, question.text), question.secret);
        out.good = equal_secret(scram::stored_key(client_key), has.stored_key) && known &&
                   question.secret.size() == key_octets;
        if (out.good)
            out.octets = scram::signature(has.server_key, question.text);
        break;
    }
    }
    return out;
}

} // namespace mgw::smtp
