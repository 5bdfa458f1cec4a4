#include "lib/monitor/input.hpp"

#include "lib/core/text.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::monitor
{

namespace
{

constexpr std::size_t chunk_octets = 256U << 10;

class Lines {
public:
    Lines(Counts& counts, const std::function<void(const Event&, std::string_view)>& each)
        : counts_(counts), each_(each)
    {}

    void add(std::string_view octets)
    {
        while (!octets.empty()) {
            const auto end = octets.find('\n');
            const auto piece = octets.substr(0, end);
            if (line_.size() + piece.size() > longest_line)
                too_long_ = true;
            else
                line_ += piece;
            if (end == std::string_view::npos)
                return;
            finish();
            octets.remove_prefix(end + 1);
        }
    }

    /// At the end of a line and of a file: a last line without its end counts, too.
    void finish()
    {
        const auto text = trim(line_);
        if (too_long_) {
            ++counts_.malformed;
        } else if (!text.empty()) {
            if (const auto event = parse_event(text)) {
                ++counts_.records;
                each_(*event, text);
            } else {
                ++counts_.malformed;
            }
        }
        line_.clear();
        too_long_ = false;
    }

private:
    Counts& counts_;
    const std::function<void(const Event&, std::string_view)>& each_;
    std::string line_;
    bool too_long_ = false;
};

} // namespace

Result<Files> Files::open(const std::vector<std::string>& names)
{
    Files out;
    for (const auto& name : names.empty() ? std::vector<std::string>{"-"} : names) {
        const bool standard = name == "-";
        Fd fd{standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(name.c_str(), O_RDONLY | O_CLOEXEC)};
        const std::string called = standard ? "standard input" : printable(name);
        struct stat about = {};
        if (!fd || ::fstat(fd.value(), &about) != 0)
            return fail(Status::data, "cannot open " + called + ": " + std::strerror(errno));
        if (S_ISDIR(about.st_mode))
            return fail(Status::data, called + " is a folder, not a file of records");
        const off_t begin = ::lseek(fd.value(), 0, SEEK_CUR);
        out.files_.push_back(File{called, std::move(fd), begin});
    }
    return out;
}

bool Files::can_rewind() const
{
    for (const auto& file : files_)
        if (file.begin < 0)
            return false;
    return true;
}

Result<Counts> Files::read(const std::function<void(const Event&, std::string_view line)>& each)
{
    Counts counts;
    std::string chunk(chunk_octets, '\0');
    for (const auto& file : files_) {
        if (file.begin >= 0 && ::lseek(file.fd.value(), file.begin, SEEK_SET) < 0)
            return fail(Status::data, "cannot read " + file.name + ": " + std::strerror(errno));
        Lines lines(counts, each);
        for (;;) {
            const auto n = ::read(file.fd.value(), chunk.data(), chunk.size());
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return fail(Status::data, "cannot read " + file.name + ": " + std::strerror(errno));
            if (n == 0)
                break;
            lines.add(std::string_view(chunk).substr(0, static_cast<std::size_t>(n)));
        }
        lines.finish();
    }
    return counts;
}

} // namespace mgw::monitor
