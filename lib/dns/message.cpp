#include "lib/dns/message.hpp"

#include "lib/core/text.hpp"
#include "lib/dns/name.hpp"

#include <algorithm>
#include <array>

#include <arpa/inet.h>

namespace mgw::dns
{
namespace
{

constexpr int max_aliases = 10;
constexpr std::uint32_t max_negative_ttl = 300;

void put16(std::string& out, unsigned value)
{
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value & 0xff);
}

/// A cursor that never leaves the message.
class Reader {
public:
    explicit Reader(std::string_view octets, std::size_t at = 0) : octets_(octets), at_(at) {}

    bool ok() const { return ok_; }
    std::size_t at() const { return at_; }

    unsigned number(std::size_t octets)
    {
        if (octets > octets_.size() - at_) {
            ok_ = false;
            return 0;
        }
        unsigned value = 0;
        for (; octets > 0; --octets)
            value = value << 8 | static_cast<unsigned char>(octets_[at_++]);
        return value;
    }

    std::string_view bytes(std::size_t octets)
    {
        if (octets > octets_.size() - at_) {
            ok_ = false;
            return {};
        }
        const auto out = octets_.substr(at_, octets);
        at_ += octets;
        return out;
    }

    /// A possibly compressed name (RFC 1035 section 4.1.4). Pointers go backwards only, so it ends. Nothing for a name
    /// that cannot be written with dots; the cursor is behind it all the same.
    std::optional<std::string> name()
    {
        std::string out;
        bool writable = true;
        std::size_t from = at_;
        std::size_t barrier = at_;
        bool jumped = false;
        for (;;) {
            Reader here(octets_, from);
            const unsigned length = here.number(1);
            if (!here.ok_)
                break;
            if ((length & 0xc0) == 0xc0) {
                const std::size_t target = (length & 0x3f) << 8 | here.number(1);
                if (!here.ok_ || target >= barrier)
                    break;
                if (!jumped)
                    at_ = here.at_;
                jumped = true;
                from = barrier = target;
                continue;
            }
            const auto label = here.bytes(length);
            if (!here.ok_ || length > 63 || out.size() + length > 254)
                break;
            from = here.at_;
            if (!jumped)
                at_ = from;
            if (length == 0)
                return writable ? std::optional(out) : std::nullopt;
            writable = writable && !label.contains('.');
            if (!out.empty())
                out += '.';
            out += label;
        }
        ok_ = false;
        return {};
    }

private:
    std::string_view octets_;
    std::size_t at_;
    bool ok_ = true;
};

struct Item {
    std::string owner;
    unsigned type = 0;
    std::uint32_t ttl = 0;
    std::size_t at = 0; ///< of the data in the message
    std::size_t length = 0;
};

std::optional<Item> read_item(Reader& reader)
{
    Item item;
    item.owner = reader.name().value_or("");
    item.type = reader.number(2);
    const unsigned dns_class = reader.number(2);
    item.ttl = reader.number(4);
    // A TTL with the top bit set means zero (RFC 2181 section 8).
    if (item.ttl > 0x7fffffff)
        item.ttl = 0;
    item.length = reader.number(2);
    item.at = reader.at();
    reader.bytes(item.length);
    if (!reader.ok())
        return {};
    if (dns_class != 1)
        item.type = 0;
    return item;
}

std::string address_text(int family, std::string_view octets)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(family, octets.data(), text.data(), text.size());
}

std::optional<Data> read_data(std::string_view message, const Item& item, Type type)
{
    const auto octets = message.substr(item.at, item.length);
    Reader reader(message.substr(0, item.at + item.length), item.at);
    Data data;
    switch (type) {
    case Type::a:
        if (octets.size() != 4)
            return {};
        data.data = address_text(AF_INET, octets);
        return data;
    case Type::aaaa:
        if (octets.size() != 16)
            return {};
        data.data = address_text(AF_INET6, octets);
        return data;
    case Type::tlsa:
        data.data = octets;
        return data;
    case Type::txt:
        while (reader.at() < item.at + item.length)
            data.data += reader.bytes(reader.number(1));
        return reader.ok() ? std::optional(std::move(data)) : std::nullopt;
    case Type::mx:
        data.preference = static_cast<std::uint16_t>(reader.number(2));
        [[fallthrough]];
    default:
        auto target = reader.name();
        if (!target)
            return {};
        data.data = std::move(*target);
        return data;
    }
}

/// RFC 2308 section 5: the smaller of the SOA record's TTL and its last number.
std::uint32_t negative_ttl(std::string_view octets, Reader& reader, unsigned authorities)
{
    for (; authorities > 0; --authorities) {
        const auto item = read_item(reader);
        if (!item)
            break;
        if (item->type != static_cast<unsigned>(Type::soa) || item->length < 20)
            continue;
        Reader minimum(octets, item->at + item->length - 4);
        return std::min({item->ttl, static_cast<std::uint32_t>(minimum.number(4)), max_negative_ttl});
    }
    return 0;
}

} // namespace

std::string build_query(std::string_view name, Type type, std::uint16_t id)
{
    std::string out;
    put16(out, id);
    put16(out, 0x0120); // RD, AD
    put16(out, 1);
    put16(out, 0);
    put16(out, 0);
    put16(out, 1);
    for (const auto label : split(name, '.')) {
        out += static_cast<char>(label.size());
        out += label;
    }
    out += '\0';
    put16(out, static_cast<unsigned>(type));
    put16(out, 1);
    out += '\0'; // OPT stands last: c-ares cuts it off when a server does not know it
    put16(out, 41);
    put16(out, udp_payload_octets);
    out.append(6, '\0');
    return out;
}

std::optional<Answer> parse_reply(std::string_view octets, std::string_view name, Type type)
{
    Reader reader(octets);
    reader.number(2);
    const unsigned flags = reader.number(2);
    const unsigned questions = reader.number(2);
    const unsigned answers = reader.number(2);
    const unsigned authorities = reader.number(2);
    reader.number(2);
    if (!reader.ok() || (flags & 0x8000) == 0 || questions != 1)
        return {};
    const auto asked = reader.name();
    if (!asked || !iequals(*asked, name) || reader.number(2) != static_cast<unsigned>(type) || reader.number(2) != 1)
        return {};
    Answer answer;
    answer.secure = (flags & 0x20) != 0;
    const unsigned rcode = flags & 0xf;
    if (rcode != 0 && rcode != 3) {
        answer.code = Code::servfail;
        answer.secure = false;
        return answer;
    }
    std::vector<Item> items;
    for (unsigned i = 0; i < answers; ++i) {
        auto item = read_item(reader);
        if (!item)
            return {};
        if (item->type == static_cast<unsigned>(type) || item->type == static_cast<unsigned>(Type::cname))
            items.push_back(std::move(*item));
    }
    std::string current(name);
    std::uint32_t ttl = max_negative_ttl * 1000;
    for (int step = 0; type != Type::cname; ++step) {
        const auto alias = std::ranges::find_if(items, [&](const Item& item) {
            return item.type == static_cast<unsigned>(Type::cname) && iequals(item.owner, current);
        });
        if (alias == items.end())
            break;
        const auto target = read_data(octets, *alias, Type::cname);
        if (!target || step == max_aliases) {
            answer = {.code = Code::servfail};
            return answer;
        }
        ttl = std::min(ttl, alias->ttl);
        answer.canonical = current = target->data;
    }
    for (const auto& item : items) {
        if (item.type != static_cast<unsigned>(type) || !iequals(item.owner, current))
            continue;
        if (auto data = read_data(octets, item, type)) {
            answer.records.push_back(std::move(*data));
            ttl = std::min(ttl, item.ttl);
        }
    }
    if (!answer.records.empty()) {
        answer.code = Code::ok;
        answer.ttl_seconds = ttl;
        return answer;
    }
    answer.code = rcode == 3 ? Code::no_name : Code::no_data;
    answer.ttl_seconds = negative_ttl(octets, reader, authorities);
    return answer;
}

} // namespace mgw::dns
