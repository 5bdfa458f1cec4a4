#include "lib/dns/zone_text.hpp"

#include "lib/core/fd.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/text.hpp"
#include "lib/dns/name.hpp"

#include <algorithm>
#include <unordered_map>

namespace mgw::dns
{
namespace
{

constexpr int max_aliases = 10;

struct Record {
    Type type;
    std::uint32_t ttl_seconds;
    Data data;
};

struct Outcome {
    std::optional<Type> type;
    Code code;
};

struct Node {
    std::vector<Record> records;
    std::vector<Outcome> outcomes;
    std::vector<std::optional<Type>> secure;
};

class Zone final : public Resolver {
public:
    Zone(std::string description, const std::vector<ZoneEntry>& entries) : description_(std::move(description))
    {
        for (const auto& entry : entries)
            add(entry);
    }

    Answer query(std::string_view name, Type type) override
    {
        name = without_final_dot(name);
        std::string current = to_lower(name);
        Answer answer;
        bool secure = true;
        std::uint32_t ttl = 0xffffffff;
        for (int step = 0; step <= max_aliases; ++step) {
            if (!is_name(current)) {
                answer.code = step == 0 ? Code::malformed : Code::servfail;
                return answer;
            }
            const Node* node = find(current);
            if (node == nullptr) {
                answer.code = Code::no_name;
                return answer;
            }
            secure = secure && is_secure(*node, type);
            for (const auto& record : node->records)
                if (record.type == type) {
                    answer.records.push_back(record.data);
                    ttl = std::min(ttl, record.ttl_seconds);
                }
            answer.secure = secure;
            if (!answer.records.empty()) {
                answer.code = Code::ok;
                answer.ttl_seconds = ttl;
                return answer;
            }
            if (const auto code = outcome(*node, type)) {
                answer.code = *code;
                return answer;
            }
            const auto alias = std::ranges::find(node->records, Type::cname, &Record::type);
            if (alias == node->records.end()) {
                answer.code = Code::no_data;
                return answer;
            }
            ttl = std::min(ttl, alias->ttl_seconds);
            answer.canonical = alias->data.data;
            current = to_lower(alias->data.data);
        }
        answer.code = Code::servfail; // a circle of aliases: what a recursive server makes of it
        answer.secure = false;
        answer.canonical.clear();
        return answer;
    }

    std::string describe() const override { return description_; }
    bool trusted() const override { return true; }

private:
    void add(const ZoneEntry& entry)
    {
        auto owner = to_lower(entry.owner);
        Node& node = nodes_[owner];
        switch (entry.kind) {
        case ZoneEntry::Kind::record:
            // A record set has no duplicates (RFC 2181 section 5).
            if (std::ranges::none_of(node.records, [&](const Record& r) {
                    return r.type == *entry.type && r.data.data == entry.data.data &&
                           r.data.preference == entry.data.preference;
                }))
                node.records.push_back({*entry.type, entry.ttl_seconds, entry.data});
            break;
        case ZoneEntry::Kind::outcome:
            node.outcomes.push_back({entry.type, entry.code});
            break;
        case ZoneEntry::Kind::secure:
            node.secure.push_back(entry.type);
            break;
        case ZoneEntry::Kind::other:
            break;
        }
        // The names above exist, too (RFC 8020), unless this entry only says how look-ups end.
        if (entry.kind == ZoneEntry::Kind::outcome && entry.code != Code::no_data)
            return;
        for (auto dot = owner.find('.'); dot != std::string::npos; dot = owner.find('.')) {
            owner.erase(0, dot + 1);
            if (!nodes_.try_emplace(owner).second)
                break;
        }
    }

    /// The node of a name, or of the wildcard that stands for it (RFC 4592 section 3.3.1).
    const Node* find(const std::string& name) const
    {
        if (const auto found = nodes_.find(name); found != nodes_.end())
            return &found->second;
        for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
            const auto above = name.substr(dot + 1);
            if (!nodes_.contains(above))
                continue;
            const auto wild = nodes_.find("*." + above);
            return wild == nodes_.end() ? nullptr : &wild->second;
        }
        return nullptr;
    }

    static std::optional<Code> outcome(const Node& node, Type type)
    {
        for (const auto& outcome : node.outcomes)
            if (outcome.type == type)
                return outcome.code;
        for (const auto& outcome : node.outcomes)
            if (!outcome.type)
                return outcome.code;
        return {};
    }

    static bool is_secure(const Node& node, Type type)
    {
        return std::ranges::any_of(node.secure, [&](const auto& marked) { return !marked || *marked == type; });
    }

    std::unordered_map<std::string, Node> nodes_;
    std::string description_;
};

} // namespace

Result<std::unique_ptr<Resolver>> parse_zone(std::string_view text, std::string_view name)
{
    auto entries = parse_entries(text, name);
    if (!entries)
        return pass(entries);
    const auto base = name.substr(name.rfind('/') + 1);
    return std::make_unique<Zone>("zone " + std::string(base) + " sha256=" + hex(sha256(text)), *entries);
}

Result<std::unique_ptr<Resolver>> open_zone(const std::string& path)
{
    const auto text = read_file(path);
    if (!text)
        return fail(Status::config, text.error().message, text.error().hint);
    return parse_zone(*text, path);
}

} // namespace mgw::dns
