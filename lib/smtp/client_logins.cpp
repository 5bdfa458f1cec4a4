#include "lib/smtp/client_logins.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/idn.hpp"

#include <sys/stat.h>

namespace mgw::smtp
{

namespace
{

/// The next word of a line, which is taken off it.
std::string_view take_word(std::string_view& line)
{
    line = trim(line);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    const auto word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
}

} // namespace

Result<Logins> Logins::parse(std::string_view text, const std::string& name)
{
    Logins logins;
    std::size_t number = 0;
    for (auto line : split(text, '\n')) {
        const std::string place = name + ":" + std::to_string(++number);
        line = trim(line);
        if (line.empty() || line.starts_with('#'))
            continue;
        const auto word = take_word(line);
        const auto host = is_ascii(word) ? to_lower(word) : mail::ascii_domain(word);
        const auto user = take_word(line);
        const auto password = trim(line);
        if (host.empty() || user.empty() || password.empty() || text.contains('\0'))
            return fail(Status::config, place + ": a line is a host, a login and a password"); // never what it is
        const Login login{std::string(user), std::string(password), place};
        if (!logins.logins_.try_emplace(host, login).second)
            return fail(Status::config, place + ": " + printable(host, 100) + " has a login already");
    }
    return logins;
}

Result<Logins> Logins::read(const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
        return fail(Status::config, path + " may be read by others than its owner", "chmod 600 " + path);
    auto text = read_file(path, 1U << 20);
    if (!text)
        return pass(text);
    return parse(*text, path);
}

const Login* Logins::find(const std::string& host) const
{
    const auto found = logins_.find(host);
    return found == logins_.end() ? nullptr : &found->second;
}

} // namespace mgw::smtp
