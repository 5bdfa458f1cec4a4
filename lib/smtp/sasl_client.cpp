#include "lib/smtp/sasl_client.hpp"

#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/smtp/scram.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

std::unexpected<Error> broken(const char* what)
{
    return fail(Status::temp_fail, std::string("AUTH: ") + what);
}

class Plain final : public SaslClient {
public:
    explicit Plain(const Login& login) : login_(login) {}
    std::string_view mechanism() const override { return "PLAIN"; }
    std::optional<std::string> begin() override
    {
        return std::string(1, '\0') + login_.name + std::string(1, '\0') + login_.password;
    }
    Result<std::string> answer(std::string_view /*challenge*/) override
    {
        return broken("the server asks once more after PLAIN");
    }
    bool may_succeed() const override { return true; }

private:
    Login login_;
};

/// The obsolete mechanism that asks for name and password, whatever the words.
class LoginMechanism final : public SaslClient {
public:
    explicit LoginMechanism(const Login& login) : login_(login) {}
    std::string_view mechanism() const override { return "LOGIN"; }
    std::optional<std::string> begin() override { return {}; }
    Result<std::string> answer(std::string_view /*challenge*/) override
    {
        switch (++asked_) {
        case 1:
            return login_.name;
        case 2:
            return login_.password;
        default:
            return broken("the server asks once more after LOGIN");
        }
    }
    bool may_succeed() const override { return asked_ == 2; }

private:
    Login login_;
    int asked_ = 0;
};

class Scram final : public SaslClient {
public:
    Scram(const Login& login, const std::string& nonce)
        : login_(login), nonce_(nonce), first_("n=" + scram::escape_name(login.name) + ",r=" + nonce)
    {}
    std::string_view mechanism() const override { return "SCRAM-SHA-256"; }
    std::optional<std::string> begin() override { return "n,," + first_; }
    Result<std::string> answer(std::string_view challenge) override
    {
        switch (++step_) {
        case 1:
            return prove(challenge);
        case 2:
            return check(challenge);
        default:
            return broken("the server asks once more after SCRAM");
        }
    }
    bool may_succeed() const override { return step_ == 2; }

private:
    Result<std::string> prove(std::string_view challenge)
    {
        const auto attributes = scram::parse_attributes(challenge);
        if (!attributes || attributes->contains('m') || !attributes->contains('r') || !attributes->contains('s') ||
            !attributes->contains('i'))
            return broken("the server's SCRAM message is malformed");
        const auto& nonce = attributes->at('r');
        if (!nonce.starts_with(nonce_) || nonce.size() == nonce_.size())
            return broken("the server does not know our SCRAM nonce");
        const auto iterations = parse_number(attributes->at('i'));
        if (!iterations || *iterations < scram::least_iterations || *iterations > scram::most_iterations)
            return broken("the server's SCRAM iteration count is not between 4096 and 600000");
        bool damaged = false;
        const auto salt = mail::base64_decode(attributes->at('s'), 1024, &damaged);
        if (damaged || salt.empty())
            return broken("the server's SCRAM salt is malformed");
        const auto salted = scram::salted_password(login_.password, salt, static_cast<std::uint32_t>(*iterations));
        if (salted.empty())
            return broken("cannot compute SCRAM keys");
        const std::string without_proof = "c=biws,r=" + nonce; // "n,,"
        const std::string message = first_ + "," + std::string(challenge) + "," + without_proof;
        const auto key = scram::client_key(salted);
        expected_ = scram::signature(scram::server_key(salted), message);
        const auto proof = scram::exclusive_or(key, scram::signature(scram::stored_key(key), message));
        return without_proof + ",p=" + mail::base64_encode(proof, 0);
    }

    Result<std::string> check(std::string_view challenge)
    {
        const auto attributes = scram::parse_attributes(challenge);
        if (!attributes || !attributes->contains('v') ||
            !equal_secret(mail::base64_decode(attributes->at('v'), 64), expected_))
            return broken("the server does not know the password: its SCRAM signature is wrong");
        return std::string{};
    }

    Login login_;
    std::string nonce_;
    std::string first_;
    std::string expected_;
    int step_ = 0;
};

} // namespace

std::unique_ptr<SaslClient> choose_mechanism(std::string_view listed, const Login& login, const std::string& nonce)
{
    const auto words = split_blanks(listed);
    const auto offers = [&](std::string_view name) {
        return std::ranges::any_of(words, [&](std::string_view w) { return iequals(w, name); });
    };
    if (offers("SCRAM-SHA-256"))
        return std::make_unique<Scram>(login, nonce);
    if (offers("PLAIN"))
        return std::make_unique<Plain>(login);
    if (offers("LOGIN"))
        return std::make_unique<LoginMechanism>(login);
    return nullptr;
}

} // namespace mgw::smtp
