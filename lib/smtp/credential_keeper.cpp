#include "lib/smtp/credential_keeper.hpp"

#include "lib/core/text.hpp"
#include "lib/smtp/credentials.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace mgw::smtp
{

namespace
{

constexpr int workers = 2;
constexpr int kept_fd = 3; // the socket's number in the keeper

/// "SERIAL KIND SIZE SIZE …\n" and the octets.
std::string pack(std::uint64_t serial, char kind, std::initializer_list<std::string_view> values)
{
    std::string out = std::to_string(serial) + ' ' + kind;
    for (const auto value : values)
        out += ' ' + std::to_string(value.size());
    out += '\n';
    for (const auto value : values)
        out += value;
    return out;
}

struct Packet {
    std::uint64_t serial = 0;
    char kind = 0;
    std::vector<std::string> values;
};

std::optional<Packet> unpack(std::string_view packet, std::size_t count)
{
    const auto lf = packet.find('\n');
    if (lf == std::string_view::npos)
        return std::nullopt;
    const auto words = split(packet.substr(0, lf), ' ');
    if (words.size() != count + 2 || words[1].size() != 1)
        return std::nullopt;
    const auto serial = parse_number(words[0]);
    if (!serial)
        return std::nullopt;
    Packet out{*serial, words[1][0], {}};
    packet.remove_prefix(lf + 1);
    for (std::size_t i = 0; i < count; ++i) {
        const auto size = parse_number(words[i + 2]);
        if (!size || *size > packet.size())
            return std::nullopt;
        out.values.emplace_back(packet.substr(0, *size));
        packet.remove_prefix(*size);
    }
    return packet.empty() ? std::optional(std::move(out)) : std::nullopt;
}

/// A worker: one question after the other, until nobody is there to ask.
[[noreturn]] void work(const Credentials& credentials, SandboxMode sandbox)
{
    if (!confine(Rights{}, sandbox))
        ::_exit(static_cast<int>(Status::config));
    std::array<char, packet_octets> octets{};
    for (;;) {
        const auto n = ::recv(kept_fd, octets.data(), octets.size(), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            ::_exit(0);
        const auto asked = read_question({octets.data(), static_cast<std::size_t>(n)});
        if (!asked)
            continue;
        const auto packet = answer_packet(asked->serial, credentials.answer(asked->question));
        if (::send(kept_fd, packet.data(), packet.size(), MSG_NOSIGNAL) < 0)
            ::_exit(0);
    }
}

pid_t start_worker(const Credentials& credentials, SandboxMode sandbox)
{
    const pid_t pid = ::fork();
    if (pid == 0)
        work(credentials, sandbox);
    return pid;
}

/// The keeper: its first packet says that the file is good ("") or why not.
[[noreturn]] void keep(const std::string& path, SandboxMode sandbox)
{
    const auto say = [](std::string_view text) { ::send(kept_fd, text.data(), text.size(), MSG_NOSIGNAL); };
    auto text = read_file(path);
    auto credentials = text ? Credentials::parse(*text, path) : Result<Credentials>(pass(text));
    if (!credentials) {
        say("-" + credentials.error().message);
        ::_exit(static_cast<int>(Status::config));
    }
    for (int i = 0; i < workers; ++i)
        start_worker(*credentials, sandbox);
    say("+");
    int status = 0;
    for (;;) {
        const pid_t ended = ::waitpid(-1, &status, 0);
        if (ended < 0 && errno == EINTR)
            continue;
        if (ended < 0 || WIFEXITED(status)) // the socket has closed, or a new one could do no better
            ::_exit(0);
        ::usleep(100'000);
        start_worker(*credentials, sandbox);
    }
}

} // namespace

Result<Fd> start_keeper(const std::string& path, SandboxMode sandbox)
{
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return fail_errno(errno, "cannot make a socket for the keeper of passwords");
    Fd ours{ends[0]};
    Fd theirs{ends[1]};
    const pid_t pid = ::fork();
    if (pid < 0)
        return fail_errno(errno, "cannot start the keeper of passwords");
    if (pid == 0) {
        // nothing else that the parent has open must outlive it here
        ::dup2(theirs.value(), kept_fd);
        ::close_range(kept_fd + 1, ~0U, 0);
        for (const int signal : {SIGHUP, SIGTERM, SIGINT})
            ::signal(signal, SIG_IGN);
        ::signal(SIGCHLD, SIG_DFL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        keep(path, sandbox);
    }
    theirs.reset();
    std::array<char, 1024> said{};
    ssize_t n = 0;
    do
        n = ::recv(ours.value(), said.data(), said.size(), 0);
    while (n < 0 && errno == EINTR);
    if (n < 1)
        return fail(Status::temp_fail, "the keeper of passwords does not start");
    if (said[0] != '+')
        return fail(Status::config, std::string(said.data() + 1, static_cast<std::size_t>(n - 1)));
    ::fcntl(ours.value(), F_SETFL, O_NONBLOCK);
    return ours;
}

std::string question_packet(std::uint64_t serial, const CredentialQuestion& question)
{
    return pack(serial, static_cast<char>(question.kind), {question.login, question.secret, question.text});
}

std::optional<QuestionPacket> read_question(std::string_view packet)
{
    auto read = unpack(packet, 3);
    if (!read || !std::string_view("spf").contains(read->kind))
        return std::nullopt;
    return QuestionPacket{read->serial,
                          {static_cast<CredentialQuestion::Kind>(read->kind), std::move(read->values[0]),
                           std::move(read->values[1]), std::move(read->values[2])}};
}

std::string answer_packet(std::uint64_t serial, const CredentialAnswer& answer)
{
    return pack(serial, answer.good ? '+' : '-', {std::to_string(answer.iterations), answer.octets});
}

std::optional<AnswerPacket> read_answer(std::string_view packet)
{
    auto read = unpack(packet, 2);
    const auto iterations = read ? parse_number(read->values[0]) : std::nullopt;
    if (!iterations || *iterations > UINT32_MAX || !std::string_view("+-").contains(read->kind))
        return std::nullopt;
    return AnswerPacket{read->serial,
                        {true, read->kind == '+', static_cast<std::uint32_t>(*iterations), std::move(read->values[1])}};
}

} // namespace mgw::smtp
