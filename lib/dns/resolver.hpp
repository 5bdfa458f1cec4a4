#pragma once

#include "lib/core/result.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::dns
{

enum class Type : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    ptr = 12,
    mx = 15,
    txt = 16,
    aaaa = 28,
    tlsa = 52
};
std::string_view type_name(Type type);

enum class Code : char {
    ok,        ///< there are records
    no_data,   ///< the name exists, not with this type
    no_name,   ///< NXDOMAIN
    servfail,  ///< the servers failed: a temporary error
    timeout,   ///< no answer in time: a temporary error
    malformed, ///< not a name that can be asked for
};
std::string_view code_name(Code code);
constexpr bool is_temporary(Code code)
{
    return code == Code::servfail || code == Code::timeout;
}

/// One record. `data` is an address in text form, a name without final dot and as it was spelt, or the octets of TXT
/// (its strings joined) and TLSA.
struct Data {
    std::string data;
    std::uint16_t preference = 0; ///< MX
};

struct Answer {
    Code code = Code::no_name;
    std::vector<Data> records; ///< of the asked type, aliases followed
    std::uint32_t ttl_seconds = 0;
    bool secure = false;        ///< the resolver validated it (AD)
    std::string canonical = {}; ///< the name that aliases led to, as it was spelt; empty where there were none
};

/// Asks the DNS. Names have no final dot; case does not matter. Answers are cached for the resolver's life.
class Resolver {
public:
    virtual ~Resolver() = default;
    virtual Answer query(std::string_view name, Type type) = 0;
    /// Starts look-ups whose answers will be asked for, so that their waits overlap. The default does nothing.
    virtual void prefetch(std::string_view name, Type type);
    /// Text for records and explanations: "zone FILE sha256=…", "live 127.0.0.1".
    virtual std::string describe() const = 0;
    /// True if Answer::secure may be believed: a zone file, or servers on this machine only (RFC 7672 section 2.1),
    /// or Options::trusted. The way to any other server is open to whoever forges answers.
    virtual bool trusted() const { return false; }
};

/// A name for reverse look-up of an IPv4 or IPv6 address in text form; empty if it is not one.
std::string reverse_name(std::string_view ip);

/// Answers from a zone file (RFC 1035 section 5 master format), never from the network. `NAME TXT …`, `$ORIGIN`,
/// `$TTL`,
/// `@`, parentheses, quoted strings, comments, wildcards; names without final dot are relative to $ORIGIN or the root.
/// Strings of a TXT record are joined without blank, so text with blanks needs quotes. Beside records, where a name has
/// none of the type: `NAME SERVFAIL [TYPE…]`, `NAME TIMEOUT [TYPE…]`, `NAME NODATA [TYPE…]`, `NAME NXDOMAIN [TYPE…]`;
/// `NAME SECURE [TYPE…]` marks answers as validated. Status::config with file and line for a malformed file.
Result<std::unique_ptr<Resolver>> open_zone(const std::string& path);
Result<std::unique_ptr<Resolver>> parse_zone(std::string_view text, std::string_view name);

/// The network, by c-ares: `servers` "192.0.2.1:53,[2001:db8::1]:53,…" or empty for /etc/resolv.conf, which is read
/// now. Sockets are opened by the first question, in each process that asks. No question takes longer than `timeout`.
/// Answers are kept for their TTL (5 seconds to an hour), failures for 5 seconds. `trusted`: believe AD wherever the
/// servers are. Status::config for a bad list.
Result<std::unique_ptr<Resolver>> open_live(const std::string& servers, std::chrono::milliseconds timeout,
                                            bool trusted = false);

/// Passes questions on and appends the answers to `path` in the zone file's form, so that the run can be replayed.
Result<std::unique_ptr<Resolver>> open_recorder(std::unique_ptr<Resolver> inner, const std::string& path);

/// What --dns-zone, --dns-record and --dns-server choose.
struct Options {
    std::string zone;
    std::string record;
    std::string servers;
    std::chrono::milliseconds timeout{5000};
    bool trusted = false; ///< the way to the servers is safe: believe what they say about validation
};
Result<std::unique_ptr<Resolver>> open_resolver(const Options& options);

} // namespace mgw::dns
