#include "lib/core/log.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/key.hpp"
#include "lib/core/text.hpp"

#include <cerrno>
#include <climits>
#include <cmath>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

namespace mgw
{

namespace
{

constexpr std::size_t longest_value = 1000;
constexpr std::size_t longest_list = 100;

/// What shows nothing, or turns text around, is escaped: people look at records as well.
std::string json_string(std::string_view value)
{
    return json_text(printable(value, longest_value));
}

void pack_text(std::string& out, std::string_view text)
{
    out += fmt::format("{}:", text.size()).append(text);
}

std::string_view unpack_text(std::string_view& in)
{
    const auto colon = in.find(':');
    const auto size = colon == std::string_view::npos ? std::nullopt : parse_number(in.substr(0, colon));
    if (!size || *size > in.size() - colon - 1) {
        in = {};
        return {};
    }
    const auto text = in.substr(colon + 1, *size);
    in.remove_prefix(colon + 1 + *size);
    return text;
}

} // namespace

Result<std::string> redaction_salt()
{
    auto key = load_key();
    if (!key)
        return pass(key);
    // without a home there is no lasting salt: what cannot be linked is still hidden
    return key->empty() ? "mgw" : hmac_sha256(*key, "log");
}

std::string redacted(std::string_view salt, std::string_view address)
{
    if (salt.empty())
        return std::string(address);
    return "h:" + hex(hmac_sha256(salt, to_lower(address))).substr(0, 16);
}

Record& Record::text(std::string_view key, std::string_view value)
{
    fields_.push_back(Field{'t', std::string(key), {std::string(value)}});
    return *this;
}

Record& Record::number(std::string_view key, std::int64_t value)
{
    fields_.push_back(Field{'v', std::string(key), {std::to_string(value)}});
    return *this;
}

Record& Record::real(std::string_view key, double value)
{
    fields_.push_back(Field{'v', std::string(key), {std::isfinite(value) ? fmt::format("{:.3f}", value) : "null"}});
    return *this;
}

Record& Record::flag(std::string_view key, bool value)
{
    fields_.push_back(Field{'v', std::string(key), {value ? "true" : "false"}});
    return *this;
}

Record& Record::list(std::string_view key, const std::vector<std::string>& values)
{
    fields_.push_back(Field{'l', std::string(key), values});
    return *this;
}

Record& Record::address(std::string_view key, std::string_view value)
{
    fields_.push_back(Field{'a', std::string(key), {std::string(value)}});
    return *this;
}

Record& Record::addresses(std::string_view key, const std::vector<std::string>& values)
{
    fields_.push_back(Field{'A', std::string(key), values});
    return *this;
}

void Record::merge(const Record& other)
{
    fields_.insert(fields_.end(), other.fields_.begin(), other.fields_.end());
}

std::string Record::json(std::string_view salt) const
{
    std::string out = "{";
    for (const auto& field : fields_) {
        if (out.size() > 1)
            out += ',';
        out += json_string(field.key) + ":";
        if (field.kind == 'v') {
            out += field.values.at(0);
        } else if (field.kind == 't' || field.kind == 'a') {
            out += json_string(field.kind == 'a' ? redacted(salt, field.values.at(0)) : field.values.at(0));
        } else {
            out += '[';
            for (std::size_t i = 0; i < field.values.size() && i < longest_list; ++i)
                out.append(i > 0 ? "," : "")
                    .append(json_string(field.kind == 'A' ? redacted(salt, field.values[i]) : field.values[i]));
            out += ']';
        }
    }
    return out += '}';
}

std::string Record::pack() const
{
    std::string out;
    for (const auto& field : fields_) {
        out += field.kind;
        pack_text(out, field.key);
        pack_text(out, std::to_string(field.values.size()));
        for (const auto& value : field.values)
            pack_text(out, value);
    }
    return out;
}

Record Record::unpack(std::string_view packed)
{
    Record out;
    while (!packed.empty()) {
        Field field{packed[0], {}, {}};
        packed.remove_prefix(1);
        field.key = unpack_text(packed);
        const auto count = parse_number(unpack_text(packed)).value_or(0);
        for (std::uint64_t i = 0; i < count && !packed.empty(); ++i)
            field.values.emplace_back(unpack_text(packed));
        const bool is_list = field.kind == 'l' || field.kind == 'A';
        if (!is_list && field.values.size() != 1)
            break;
        if (field.kind == 'v' && field.values[0].find_first_not_of("0123456789+-.eE") != std::string::npos &&
            field.values[0] != "true" && field.values[0] != "false" && field.values[0] != "null")
            break;
        out.fields_.push_back(std::move(field));
    }
    return out;
}

Result<Log> Log::open(std::string_view target, std::string tool, bool redact)
{
    Log log;
    log.tool_ = std::move(tool);
    if (target.empty())
        return log;
    if (redact) {
        auto salt = redaction_salt();
        if (!salt)
            return pass(salt);
        log.salt_ = std::move(*salt);
    }
    if (target == "-") {
        log.kind_ = Kind::standard_error;
        log.fd_ = STDERR_FILENO;
    } else if (target == "syslog") {
        log.kind_ = Kind::syslog;
        ::openlog(nullptr, LOG_PID | LOG_NDELAY, LOG_MAIL);
    } else if (target == "journald") {
        log.kind_ = Kind::journald;
        Fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        constexpr std::string_view path = "/run/systemd/journal/socket";
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        if (!fd || ::connect(fd.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            return fail(Status::config, "cannot reach journald: " + std::string(path), "log to a file: --log FILE");
        log.fd_ = fd.release();
    } else {
        log.kind_ = Kind::file;
        const std::string path(target);
        log.fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (log.fd_ < 0) {
            auto error = fail_errno(errno, "cannot open the log " + path);
            error.error().status = Status::config;
            return error;
        }
    }
    return log;
}

void Log::write(Time time, const Record& record)
{
    if (kind_ == Kind::none)
        return;
    char host[HOST_NAME_MAX + 1] = "";
    ::gethostname(host, HOST_NAME_MAX);
    Record whole;
    whole.text("time", rfc3339(time)).text("host", host).number("pid", ::getpid()).text("tool", tool_);
    whole.merge(record);
    std::string line = whole.json(salt_);
    if (kind_ == Kind::syslog) {
        ::syslog(LOG_INFO, "%s", line.c_str());
        return;
    }
    if (kind_ == Kind::journald)
        line = "MESSAGE=" + line + "\nSYSLOG_IDENTIFIER=" + tool_ + "\nPRIORITY=6";
    line += '\n';
    // one write a record, so that several processes can share the file
    const ssize_t n = ::write(fd_, line.data(), line.size());
    if (n != static_cast<ssize_t>(line.size()))
        ++failures_;
}

} // namespace mgw
