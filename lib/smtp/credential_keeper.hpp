#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/sandbox.hpp"
#include "lib/smtp/sasl.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mgw::smtp
{

/// Starts the processes that know the passwords of the file at `path`, and gives the socket on which they are asked:
/// one packet (question_packet) a question, one (answer_packet) an answer, in any order. The front, which meets the
/// network, never has the hashes, and to hash a password (10 ms) does not keep it from others. One process keeps the
/// file's contents and replaces workers that die; they have no rights at all. All end when the socket's other end
/// closes. A file that has changed needs a new keeper. Status::config when the file cannot be used.
Result<Fd> start_keeper(const std::string& path, SandboxMode sandbox);

std::string question_packet(std::uint64_t serial, const CredentialQuestion& question);
std::string answer_packet(std::uint64_t serial, const CredentialAnswer& answer);

/// What a packet says; nothing for one that the functions above did not make.
struct QuestionPacket {
    std::uint64_t serial = 0;
    CredentialQuestion question;
};
std::optional<QuestionPacket> read_question(std::string_view packet);
struct AnswerPacket {
    std::uint64_t serial = 0;
    CredentialAnswer answer;
};
std::optional<AnswerPacket> read_answer(std::string_view packet);

constexpr std::size_t packet_octets = 16384; ///< the longest; a response of SASL has at most 12288
} // namespace mgw::smtp
