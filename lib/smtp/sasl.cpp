#include "lib/smtp/sasl.hpp"

#include "lib/core/text.hpp"
#include "lib/mail/codec.hpp"
#include "lib/smtp/scram.hpp"

#include <algorithm>
#include <array>

namespace mgw::smtp
{

namespace
{

constexpr std::size_t name_octets = 255;
constexpr std::size_t nonce_octets = 128;
constexpr std::size_t secret_octets = 1024;

bool is_name(std::string_view text)
{
    return !text.empty() && text.size() <= name_octets &&
           std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// The value of "k=value" at the front of `text`, up to the next comma, which is taken too; nothing for another key.
std::optional<std::string_view> take_attribute(std::string_view& text, char key)
{
    if (text.size() < 2 || text[0] != key || text[1] != '=')
        return std::nullopt;
    const auto end = std::min(text.find(','), text.size());
    const auto value = text.substr(2, end - 2);
    text.remove_prefix(std::min(end + 1, text.size()));
    return value;
}

bool is_nonce(std::string_view text)
{
    return !text.empty() && text.size() <= nonce_octets && // a challenge must fit into a reply
           std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != ','; });
}

} // namespace

std::optional<std::string> strict_base64(std::string_view text)
{
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (text.size() % 4 != 0)
        return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string out;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto value = i >= text.size() - padding ? 0 : alphabet.find(text[i]);
        if (value == std::string_view::npos)
            return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if (i % 4 == 3)
            for (const int shift : {16, 8, 0})
                out += static_cast<char>(bits >> shift);
    }
    const auto spare = padding == 2 ? bits & 0xffffU : padding == 1 ? bits & 0xffU : 0U;
    if (spare != 0) // two texts for one value
        return std::nullopt;
    out.resize(out.size() - padding);
    return out;
}

std::optional<SaslExchange> SaslExchange::begin(std::string_view mechanism, std::string nonce)
{
    constexpr std::array<std::pair<std::string_view, State>, 3> known{
        {{"PLAIN", State::plain}, {"LOGIN", State::login_name}, {"SCRAM-SHA-256", State::scram_first}}};
    for (const auto& [name, state] : known)
        if (to_upper(mechanism) == name)
            return SaslExchange(state, std::move(nonce));
    return std::nullopt;
}

SaslExchange::Step SaslExchange::start()
{
    challenge_ = state_ == State::login_name ? "Username:" : "";
    return Step::challenge;
}

SaslExchange::Step SaslExchange::respond(std::string_view response)
{
    switch (state_) {
    case State::plain:
        return plain(response);
    case State::login_name:
        if (!is_name(response))
            return Step::malformed;
        question_.login = response;
        challenge_ = "Password:";
        state_ = State::login_password;
        return Step::challenge;
    case State::login_password:
        question_.secret = response;
        return ask(CredentialQuestion::Kind::password);
    case State::scram_first:
        return scram_first(response);
    case State::scram_final:
        return scram_final(response);
    case State::scram_end:
        return response.empty() ? Step::success : Step::malformed;
    }
    return Step::malformed;
}

SaslExchange::Step SaslExchange::ask(CredentialQuestion::Kind kind)
{
    question_.kind = kind;
    return question_.secret.size() <= secret_octets ? Step::question : Step::malformed;
}

/// authzid NUL authcid NUL passwd. Nobody acts for another here.
SaslExchange::Step SaslExchange::plain(std::string_view response)
{
    const auto parts = split(response, '\0');
    if (parts.size() != 3 || !is_name(parts[1]) || parts[2].empty() || (!parts[0].empty() && parts[0] != parts[1]))
        return Step::malformed;
    question_.login = parts[1];
    question_.secret = parts[2];
    return ask(CredentialQuestion::Kind::password);
}

SaslExchange::Step SaslExchange::scram_first(std::string_view response)
{
    auto rest = response;
    // "n": the client has no channel binding; "y": it thinks that the server has none, and is right
    if (!rest.starts_with("n,") && !rest.starts_with("y,"))
        return Step::malformed;
    rest.remove_prefix(2);
    std::optional<std::string> for_whom;
    if (const auto value = take_attribute(rest, 'a'))
        for_whom = scram::unescape_name(*value);
    else if (rest.starts_with(','))
        rest.remove_prefix(1);
    else
        return Step::malformed;
    gs2_ = response.substr(0, response.size() - rest.size());
    first_ = rest;
    const auto name = take_attribute(rest, 'n');
    const auto login = name ? scram::unescape_name(*name) : std::nullopt;
    const auto nonce = login ? take_attribute(rest, 'r') : std::nullopt;
    if (!nonce || !is_name(*login) || !is_nonce(*nonce) || (gs2_.contains('=') && for_whom != login))
        return Step::malformed;
    question_.login = *login;
    nonce_ = std::string(*nonce) + nonce_;
    return ask(CredentialQuestion::Kind::salt);
}

SaslExchange::Step SaslExchange::scram_final(std::string_view response)
{
    const auto proof_at = response.rfind(",p=");
    if (proof_at == std::string_view::npos)
        return Step::malformed;
    auto rest = response;
    const auto binding = take_attribute(rest, 'c');
    const auto nonce = binding ? take_attribute(rest, 'r') : std::nullopt;
    const auto proof = strict_base64(response.substr(proof_at + 3));
    if (!nonce || *nonce != nonce_ || strict_base64(*binding) != gs2_ || !proof)
        return Step::malformed;
    question_.secret = *proof;
    question_.text = first_ + "," + std::string(response.substr(0, proof_at));
    return ask(CredentialQuestion::Kind::proof);
}

SaslExchange::Step SaslExchange::answer(const CredentialAnswer& answer)
{
    if (!answer.known)
        return Step::unknown;
    if (question_.kind == CredentialQuestion::Kind::salt) {
        challenge_ =
            "r=" + nonce_ + ",s=" + mail::base64_encode(answer.octets, 0) + ",i=" + std::to_string(answer.iterations);
        first_ += "," + challenge_;
        state_ = State::scram_final;
        return Step::challenge;
    }
    if (!answer.good)
        return Step::wrong;
    if (question_.kind == CredentialQuestion::Kind::password)
        return Step::success;
    challenge_ = "v=" + mail::base64_encode(answer.octets, 0);
    state_ = State::scram_end;
    return Step::challenge;
}

} // namespace mgw::smtp
