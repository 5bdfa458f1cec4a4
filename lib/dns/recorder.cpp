#include "lib/core/fd.hpp"
#include "lib/dns/cache.hpp"
#include "lib/dns/zone_text.hpp"

#include <unordered_set>

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace mgw::dns
{
namespace
{

class Recorder final : public Resolver {
public:
    Recorder(std::unique_ptr<Resolver> inner, Fd file) : inner_(std::move(inner)), file_(std::move(file)) {}

    Answer query(std::string_view name, Type type) override
    {
        auto answer = inner_->query(name, type);
        if (seen_.insert(Cache::key(name, type)).second) {
            // One write an answer: workers of several processes append to one file.
            const auto lines = zone_lines(name, type, answer);
            if (write(file_.value(), lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()))
                ++lost_;
        }
        return answer;
    }

    void prefetch(std::string_view name, Type type) override { inner_->prefetch(name, type); }

    bool trusted() const override { return inner_->trusted(); }

    std::string describe() const override
    {
        auto text = inner_->describe();
        if (lost_ > 0)
            text += " (" + std::to_string(lost_) + " answers not recorded)";
        return text;
    }

private:
    std::unique_ptr<Resolver> inner_;
    Fd file_;
    std::unordered_set<std::string> seen_;
    std::size_t lost_ = 0;
};

} // namespace

Result<std::unique_ptr<Resolver>> open_recorder(std::unique_ptr<Resolver> inner, const std::string& path)
{
    Fd file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    if (!file)
        return fail(Status::config,
                    "cannot record DNS answers in " + path + ": " + fail_errno(errno, "open").error().message);
    return std::make_unique<Recorder>(std::move(inner), std::move(file));
}

} // namespace mgw::dns
