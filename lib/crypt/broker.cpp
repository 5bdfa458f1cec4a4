#include "lib/crypt/broker.hpp"

#include "lib/core/binary.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mgw::crypt
{

namespace
{

// A request and an answer are each a number of octets (64 bits) and that many octets, little-endian:
//   encrypt:  1, hide (1 octet), number of fingerprints (32 bits), each as a text, octets
//   decrypt:  2, limit (64 bits), ciphertext
//   answer:   status of sysexits (1 octet); for 0 the octets, of decrypt behind the signatures: their number (32 bits),
//             of each state, fingerprint, number of addresses (32 bits), addresses; else the message
// A text is a number of octets (32 bits) and that many octets.
enum class Request : std::uint8_t { encrypt = 1, decrypt = 2 };

void put_text(std::string& out, std::string_view text)
{
    put(out, static_cast<std::uint32_t>(text.size()));
    out += text;
}

/// Takes values off the front; nothing once they do not fit.
class Reader {
public:
    explicit Reader(std::string_view octets) : octets_(octets) {}

    template <class T> std::optional<T> number()
    {
        if (octets_.size() < sizeof(T))
            return std::nullopt;
        const T value = number_at<T>(octets_, 0);
        octets_.remove_prefix(sizeof(T));
        return value;
    }
    std::optional<std::string> text()
    {
        const auto size = number<std::uint32_t>();
        if (!size || *size > octets_.size())
            return std::nullopt;
        std::string out(octets_.substr(0, *size));
        octets_.remove_prefix(*size);
        return out;
    }
    std::string_view rest() const { return octets_; }

private:
    std::string_view octets_;
};

Result<void> send(int fd, std::string_view octets)
{
    std::string size;
    put(size, static_cast<std::uint64_t>(octets.size()));
    if (auto written = write_all(fd, size); !written)
        return written;
    return write_all(fd, octets);
}

/// The next packet; nothing at the end of the stream.
Result<std::optional<std::string>> receive(int fd, std::size_t largest_octets)
{
    char head[8];
    auto some = read_exact(fd, head, sizeof head);
    if (!some)
        return pass(some);
    if (!*some)
        return std::nullopt;
    const auto size = number_at<std::uint64_t>({head, sizeof head}, 0);
    if (size > largest_octets)
        return fail(Status::temp_fail, "a packet of " + std::to_string(size) + " octets is too large");
    std::string octets(static_cast<std::size_t>(size), '\0');
    some = read_exact(fd, octets.data(), octets.size());
    if (!some)
        return pass(some);
    if (!*some && size > 0)
        return fail(Status::temp_fail, "a packet is cut short");
    return octets;
}

std::string failed(const Error& error)
{
    return static_cast<char>(error.status) + error.message;
}

std::string malformed()
{
    return failed(Error{Status::temp_fail, "a malformed request to the process that runs gpg", {}});
}

bool is_fingerprint(std::string_view text)
{
    return text.size() >= 16 && text.size() <= 64 &&
           std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'F'); });
}

std::string encrypt(const OpenPgp& pgp, Reader request)
{
    const auto hide = request.number<std::uint8_t>();
    const auto count = request.number<std::uint32_t>();
    if (!count || *count > request.rest().size())
        return malformed();
    std::vector<std::string> fingerprints;
    for (std::uint32_t i = 0; i < *count; ++i) {
        auto one = request.text();
        // it goes to gpg as an argument: nothing else may
        if (!one || !is_fingerprint(*one))
            return malformed();
        fingerprints.push_back(std::move(*one));
    }
    auto done = pgp.encrypt(request.rest(), fingerprints, *hide != 0);
    return done ? '\0' + std::move(*done) : failed(done.error());
}

std::string decrypt(const OpenPgp& pgp, Reader request, std::size_t largest_octets)
{
    const auto limit = request.number<std::uint64_t>();
    if (!limit)
        return malformed();
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(*limit, largest_octets));
    auto done = pgp.decrypt(request.rest(), most);
    if (!done)
        return failed(done.error());
    std::string out(1, '\0');
    put(out, static_cast<std::uint32_t>(done->signatures.size()));
    for (const auto& signature : done->signatures) {
        put_text(out, signature.state);
        put_text(out, signature.fingerprint);
        put(out, static_cast<std::uint32_t>(signature.addresses.size()));
        for (const auto& address : signature.addresses)
            put_text(out, address);
    }
    return out + done->octets;
}

std::string answer(const OpenPgp& pgp, std::string_view octets, std::size_t largest_octets)
{
    Reader request(octets);
    switch (static_cast<Request>(request.number<std::uint8_t>().value_or(0))) {
    case Request::encrypt:
        return encrypt(pgp, request);
    case Request::decrypt:
        return decrypt(pgp, request, largest_octets);
    }
    return malformed();
}

/// The other process: keeps its socket and standard error, serves until the socket closes.
[[noreturn]] void serve(const OpenPgp& pgp, int socket, std::size_t largest_octets, pid_t parent)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none); // it holds clear text
    if (::getppid() != parent)
        ::_exit(0);
    // whoever waits for the end of a pipe that the other process writes must not wait for this one
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(socket, 3);
    ::close_range(4, ~0U, 0);
    ::fcntl(3, F_SETFD, FD_CLOEXEC);
    try {
        for (;;) {
            auto request = receive(3, 2 * largest_octets + (1U << 20));
            if (!request || !*request)
                ::_exit(0);
            if (!send(3, answer(pgp, **request, largest_octets)))
                ::_exit(0);
        }
    } catch (const std::exception&) {
        ::_exit(0); // the other side sees the end of the stream, and says so
    }
}

} // namespace

Result<Broker> Broker::start(const OpenPgp& pgp, std::size_t largest_octets)
{
    auto pair = make_socket_pair();
    if (!pair)
        return pass(pair);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0)
        return fail_errno(errno, "cannot start the process that runs gpg");
    if (child == 0)
        serve(pgp, pair->second.value(), largest_octets, parent);
    return Broker(std::move(pair->first), largest_octets);
}

Result<std::string> Broker::ask(std::string_view request)
{
    auto sent = send(socket_.value(), request);
    auto got = sent ? receive(socket_.value(), 4 * largest_octets_ + (4U << 20)) : pass(sent);
    if (!got || !*got || (*got)->empty())
        return fail(Status::temp_fail,
                    "the process that runs gpg has ended" + (got ? std::string{} : ": " + got.error().message));
    const auto status = static_cast<unsigned char>((**got)[0]);
    if (status != 0)
        return fail(static_cast<Status>(status), (*got)->substr(1));
    (*got)->erase(0, 1);
    return std::move(**got);
}

Result<std::string> Broker::encrypt(std::string_view octets, const std::vector<std::string>& fingerprints, bool hide)
{
    std::string request(1, static_cast<char>(Request::encrypt));
    request += static_cast<char>(hide ? 1 : 0);
    put(request, static_cast<std::uint32_t>(fingerprints.size()));
    for (const auto& fingerprint : fingerprints)
        put_text(request, fingerprint);
    request += octets;
    return ask(request);
}

Result<Decrypted> Broker::decrypt(std::string_view ciphertext, std::size_t limit_octets)
{
    std::string request(1, static_cast<char>(Request::decrypt));
    put(request, static_cast<std::uint64_t>(limit_octets));
    request += ciphertext;
    auto got = ask(request);
    if (!got)
        return pass(got);
    const auto cut = [] { return fail(Status::temp_fail, "an answer about gpg is cut short"); };
    Decrypted out;
    Reader answer(*got);
    const auto count = answer.number<std::uint32_t>();
    if (!count)
        return cut();
    for (std::uint32_t i = 0; i < *count; ++i) {
        auto state = answer.text();
        auto fingerprint = answer.text();
        const auto addresses = answer.number<std::uint32_t>();
        if (!state || !fingerprint || !addresses)
            return cut();
        Signature signature{std::move(*state), std::move(*fingerprint), {}};
        for (std::uint32_t k = 0; k < *addresses; ++k) {
            auto address = answer.text();
            if (!address)
                return cut();
            signature.addresses.push_back(std::move(*address));
        }
        out.signatures.push_back(std::move(signature));
    }
    out.octets = answer.rest();
    return out;
}

} // namespace mgw::crypt
