// Durable messages a second of 10 KB: mgw-queue add with 1, 8 and 32 transactions in flight, beside a bare loop that
// appends as many records and flushes once, in the same minute on the same disk. Usage: queue_bench MGW-QUEUE FOLDER
// [SECONDS]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

using Clock = std::chrono::steady_clock;
constexpr std::size_t message_octets = 10240;

double raw(const std::string& folder, unsigned in_flight, double seconds)
{
    const auto path = folder + "/raw.log";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    const std::string batch(message_octets * in_flight, 'x');
    off_t at = 0;
    std::size_t count = 0;
    const auto begin = Clock::now();
    std::chrono::duration<double> took{};
    while (took.count() < seconds) {
        if (at % (8 << 20) < static_cast<off_t>(batch.size()) && ::fallocate(fd, 0, at, 16 << 20) != 0)
            return 0;
        if (::pwrite(fd, batch.data(), batch.size(), at) < 0 || ::fdatasync(fd) != 0)
            return 0;
        at += static_cast<off_t>(batch.size());
        count += in_flight;
        took = Clock::now() - begin;
    }
    ::close(fd);
    ::unlink(path.c_str());
    return static_cast<double>(count) / took.count();
}

double tool(const std::string& program, const std::string& folder, unsigned in_flight, double seconds)
{
    int to[2];
    int from[2];
    if (::pipe(to) != 0 || ::pipe(from) != 0)
        return 0;
    const auto spool = "--spool=" + folder + "/spool";
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::dup2(to[0], 0);
        ::dup2(from[1], 1);
        for (const int fd : {to[0], to[1], from[0], from[1]})
            ::close(fd);
        ::execl(program.c_str(), program.c_str(), "add", spool.c_str(), "--input=frames", nullptr);
        ::_exit(127);
    }
    ::close(to[0]);
    ::close(from[1]);
    std::FILE* answers = ::fdopen(from[0], "r");
    const std::string message = "Subject: x\n\n" + std::string(message_octets - 12, 'x');
    char line[1024];
    std::size_t sent = 0;
    std::size_t done = 0;
    if (std::fgets(line, sizeof line, answers) == nullptr)
        return 0;
    const auto begin = Clock::now();
    std::chrono::duration<double> took{};
    std::string out;
    while (took.count() < seconds || done < sent) {
        for (out.clear(); took.count() < seconds && sent - done < in_flight; ++sent) {
            char id[32];
            std::snprintf(id, sizeof id, "01JDF3M1S8W7Q2E5%010zu", sent);
            const std::string block =
                std::string("Mgw-Id: ") + id +
                "\nMgw-Client: proto=ESMTP\nMgw-From: <a@example.net>\nMgw-To: 1 <b@example.org>\nMgw-End:\n";
            out += std::string("MGW1 ") + id + " 1\n" + std::to_string(block.size()) + " " +
                   std::to_string(message.size()) + "\n" + block + message + "END " + id + "\n";
        }
        for (std::size_t at = 0; at < out.size();) {
            const ssize_t n = ::write(to[1], out.data() + at, out.size() - at);
            if (n <= 0)
                return 0;
            at += static_cast<std::size_t>(n);
        }
        // one answer frees one place; take what has come with it, so that the next write is not one message
        do {
            if (std::fgets(line, sizeof line, answers) == nullptr)
                return 0;
            done += std::string(line).ends_with(" done\n") ? 1 : 0;
        } while (done < sent && (sent - done > in_flight / 2 || took.count() >= seconds));
        took = Clock::now() - begin;
    }
    ::close(to[1]);
    std::fclose(answers);
    ::waitpid(pid, nullptr, 0);
    return static_cast<double>(done) / took.count();
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) {
        std::fprintf(stderr, "usage: queue_bench MGW-QUEUE FOLDER [SECONDS]\n");
        return 64;
    }
    const double seconds = argc > 3 ? std::atof(argv[3]) : 3;
    std::printf("in flight  raw log/s  mgw-queue add/s  share\n");
    for (const unsigned in_flight : {1U, 8U, 32U}) {
        const double bare = raw(argv[2], in_flight, seconds);
        const double ours = tool(argv[1], argv[2], in_flight, seconds);
        std::printf("%9u  %9.0f  %15.0f  %4.0f%%\n", in_flight, bare, ours, bare > 0 ? 100 * ours / bare : 0);
    }
    return 0;
}
