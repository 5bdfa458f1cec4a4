#include "lib/cli/progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

namespace mgw::cli
{

namespace
{

constexpr std::chrono::milliseconds first_after{1000};
constexpr std::chrono::milliseconds every{250};

std::string with_commas(std::uint64_t number)
{
    std::string out = std::to_string(number);
    for (std::size_t at = out.size(); at > 3; at -= 3)
        out.insert(at - 3, ",");
    return out;
}

std::string clock_text(double seconds)
{
    const auto all = static_cast<std::uint64_t>(seconds + 0.5);
    return all < 3600 ? fmt::format("{}:{:02}", all / 60, all % 60)
                      : fmt::format("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
}

} // namespace

Progress::Progress(Tool& tool, Time begin)
    : tool_(tool),
      shown_(::isatty(STDERR_FILENO) == 1 && !tool.common().explain && !tool.common().json && tool.common().log != "-"),
      begin_(begin), last_(begin)
{}

Progress::~Progress()
{
    if (shown_)
        tool_.status_line({});
}

std::string Progress::text(const Passed& first, const Passed& passed, double seconds)
{
    const double octets = static_cast<double>(passed.octets - first.octets);
    const double rate = seconds > 0 ? octets / seconds : 0;
    std::string out = fmt::format("{} messages, {:.0f} MB, {:.1f} MB/s", with_commas(passed.messages),
                                  static_cast<double>(passed.octets) / 1e6, rate / 1e6);
    // by octets where they are known, else by files
    double left = -1;
    if (passed.all_octets && rate > 0 && *passed.all_octets >= passed.octets)
        left = static_cast<double>(*passed.all_octets - passed.octets) / rate;
    else if (passed.all_files && passed.files > first.files && *passed.all_files >= passed.files)
        left = static_cast<double>(*passed.all_files - passed.files) * seconds /
               static_cast<double>(passed.files - first.files);
    if (left >= 0)
        out += ", " + clock_text(left) + " left";
    return out;
}

void Progress::show(const Input& input)
{
    if (!shown_)
        return;
    if (!has_first_) {
        first_ = input.passed();
        has_first_ = true;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - begin_ < first_after || now - last_ < every)
        return;
    last_ = now;
    tool_.status_line(text(first_, input.passed(), std::chrono::duration<double>(now - begin_).count()));
}

} // namespace mgw::cli
