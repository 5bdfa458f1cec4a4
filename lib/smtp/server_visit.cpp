#include "lib/smtp/server_visit.hpp"

#include "lib/core/ip.hpp"
#include "lib/core/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <sys/socket.h>

namespace mgw::smtp
{

namespace
{

Record begin_record(const ServerVisit& visit, const std::string& id)
{
    Record record;
    const auto& forwarded = visit.codec.forwarded();
    record.text("id", id)
        .text("stage", "mgw-recv")
        .text("client", forwarded.address.value_or(visit.peer.ip))
        .text("helo", forwarded.helo.value_or(visit.codec.helo()))
        .text("proto", visit.codec.protocol());
    if (const auto name = forwarded.name.value_or(visit.name); !name.empty())
        record.text("name", name);
    if (forwarded.address)
        record.text("forwarded_by", visit.peer.ip);
    if (!visit.codec.tls().empty())
        record.text("tls", visit.codec.tls());
    if (!visit.tls_peer.fingerprint.empty())
        record.text("cert", visit.tls_peer.fingerprint).text("subject", visit.tls_peer.subject);
    if (!visit.codec.login().empty())
        record.text("auth", visit.codec.login());
    record.text("listener", visit.listener);
    return record;
}

void add_reply(Record& record, const ServerReply& reply)
{
    record.number("code", reply.code).text("enhanced", reply.enhanced).text("text", reply.text);
}

} // namespace

PeerAddress peer_of(std::string_view ip)
{
    const auto address = parse_ip(ip);
    if (!address)
        return {};
    const auto text = address->text();
    return {text, address->is_v4 ? text : network_text(*address, 32, 64)};
}

PeerAddress peer_address(int fd)
{
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return {};
    if (address.ss_family == AF_INET)
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr, text.data(), text.size());
    else if (address.ss_family == AF_INET6)
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr, text.data(), text.size());
    return peer_of(text.data());
}

void add_facts(Facts& facts, const Facts& more)
{
    for (const auto& fact : more) {
        const auto found = std::ranges::find(facts, fact.first, &Facts::value_type::first);
        if (found == facts.end())
            facts.push_back(fact);
        else
            found->second = fact.second;
    }
}

void ServerRecords::write(ServerVisit& visit, Record& record)
{
    auto facts = visit.facts;
    add_facts(facts, visit.message_facts);
    std::vector<std::string> words;
    for (const auto& [key, value] : facts)
        words.push_back(key + "=" + value);
    if (!words.empty())
        record.list("door", words);
    if (!visit.would_have.empty())
        record.list("would_have", std::exchange(visit.would_have, {}));
    log_->write(clock_.now(), record);
}

void ServerRecords::message(ServerVisit& visit, const std::vector<ServerReply>& said, std::size_t octets, Times times)
{
    if (!is_open())
        return;
    const auto& envelope = visit.codec.envelope();
    auto record = begin_record(visit, visit.codec.id());
    record.address("from", envelope.from);
    std::vector<std::string> to;
    for (const auto& recipient : envelope.to)
        to.push_back(recipient.path);
    record.addresses("to", to).number("size", static_cast<std::int64_t>(octets));
    std::vector<std::string> codes;
    for (const auto& reply : said)
        codes.push_back(std::to_string(reply.code));
    add_reply(record, said.front());
    if (codes.size() > 1)
        record.list("codes", codes);
    record.real("ms", times.ms).real("data_ms", times.data_ms);
    write(visit, record);
}

void ServerRecords::refusals(ServerVisit& visit)
{
    for (const auto& refusal : visit.codec.take_refusals()) {
        const auto rule = std::exchange(visit.rule, {});
        if (!is_open())
            continue;
        auto record = begin_record(visit, refusal.id);
        record.text("refused", refusal.command).address("from", refusal.from);
        if (!refusal.to.empty())
            record.addresses("to", {refusal.to});
        if (!rule.empty())
            record.text("rule", rule);
        add_reply(record, refusal.reply);
        write(visit, record);
    }
}

void ServerRecords::refused_connection(ServerVisit& visit, const ServerReply& reply)
{
    const auto rule = std::exchange(visit.rule, {});
    if (!is_open())
        return;
    auto record = begin_record(visit, {});
    record.text("refused", "connect");
    if (!rule.empty())
        record.text("rule", rule);
    add_reply(record, reply);
    write(visit, record);
}

} // namespace mgw::smtp
