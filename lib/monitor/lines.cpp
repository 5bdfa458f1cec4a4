#include "lib/monitor/lines.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <unistd.h>

namespace mgw::monitor
{

Result<void> for_each_line(int fd, const std::function<void(std::string_view, bool)>& line)
{
    std::string buffer(longest_line + (64U << 10), '\0');
    std::size_t used = 0;
    bool dropping = false;
    while (true) {
        const ssize_t n = ::read(fd, buffer.data() + used, buffer.size() - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(errno, "cannot read");
        if (n == 0)
            break;
        const std::size_t searched = used;
        used += static_cast<std::size_t>(n);
        std::size_t begin = 0;
        auto end = std::string_view(buffer).substr(0, used).find('\n', searched);
        for (; end != std::string_view::npos; end = std::string_view(buffer).substr(0, used).find('\n', begin)) {
            const bool too_long = dropping || end - begin > longest_line;
            line(too_long ? std::string_view{} : std::string_view(buffer).substr(begin, end - begin), too_long);
            dropping = false;
            begin = end + 1;
        }
        std::memmove(buffer.data(), buffer.data() + begin, used - begin);
        used -= begin;
        if (used > longest_line) {
            dropping = true;
            used = 0;
        }
    }
    if (used > 0 || dropping)
        line(dropping ? std::string_view{} : std::string_view(buffer).substr(0, used), dropping);
    return {};
}

} // namespace mgw::monitor
