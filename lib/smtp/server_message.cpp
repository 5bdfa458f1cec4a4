// A message of the front: whether there is room for it, what the lane answers.
#include "lib/smtp/server_front_impl.hpp"

#include <algorithm>

namespace mgw::smtp
{

namespace
{

constexpr std::chrono::milliseconds room_pause{20};
/// After the sink had no space it is asked again with a message.
constexpr std::chrono::seconds full_pause{5};
const ServerReply no_room{452, "4.3.1", "Out of memory for messages, try again later"};

double milliseconds_since(Instant since)
{
    return std::chrono::duration<double, std::milli>(SteadyClock::now() - since).count();
}

} // namespace

/// Room for the message as declared, or for a usual one.
void Front::allow_mail(Session& s)
{
    const auto wanted = std::max<std::size_t>(s.codec.envelope().declared_octets, 64U << 10);
    if (stopping_)
        s.codec.refuse(shutting_down());
    else if (SteadyClock::now() < full_until_)
        s.codec.refuse({452, "4.3.1", "Insufficient system storage, try again later"});
    else if (!budget_.has_room(wanted))
        s.codec.refuse(no_room);
    else
        s.codec.accept();
}

void Front::allow_data(Session& s)
{
    if (!budget_.has_room(std::min<std::size_t>(s.codec.announced_octets(), options_.server.data.message_octets))) {
        s.codec.refuse(no_room);
        return;
    }
    s.block_begin = SteadyClock::now();
    s.octets_before = s.codec.message_octets();
    if (s.octets_before == 0)
        s.data_begin = s.block_begin;
    s.codec.accept();
}

/// Where memory is short a message that is not small is left unread until others have gone: its sender waits instead of
/// being refused when all its octets have come. Not for ever.
asio::awaitable<void> Front::wait_for_room(SessionPointer s)
{
    const auto begin = SteadyClock::now();
    const auto may_wait = [&] {
        return !stopping_ && !s->timed_out && SteadyClock::now() - begin < options_.data_timeout;
    };
    if (!budget_.is_tight())
        co_return;
    while (budget_.is_tight() && s->codec.message_octets() >= budget_.share_octets(sessions_.size()) && !has_turn(s) &&
           may_wait()) {
        s->deadline = never; // the time is ours
        s->wake.expires_after(room_pause);
        co_await s->wake.async_wait(quiet);
    }
    s->block_begin += SteadyClock::now() - begin;
    hear(*s);
}

/// One session at a time, until its message has come.
bool Front::has_turn(const SessionPointer& s)
{
    const auto holder = turn_.lock();
    if (!holder || !holder->codec.in_data())
        turn_ = s;
    // what the lane has will go without it
    return turn_.lock() == s && (budget_.has_reserve() || lanes_.in_flight() == 0);
}

/// A sink without space (452 4.3.1) will refuse the next message as well: better before its octets come than after.
void Front::note_full_disk(const std::vector<mail::Answer>& answers)
{
    for (const auto& answer : answers)
        if (answer.code == 452 && answer.enhanced == "4.3.1")
            full_until_ = SteadyClock::now() + full_pause;
}

/// Gives a message to the lane and its answer to the client.
asio::awaitable<void> Front::message(SessionPointer s)
{
    const auto begin = SteadyClock::now();
    const auto octets = s->codec.message_octets();
    const auto& envelope = s->codec.envelope();
    auto spool = std::move(s->codec.message());
    if (turn_.lock() == s)
        turn_.reset();
    auto said = faults(*s, spool);
    if (said.empty()) {
        s->outcome.reset();
        s->deadline = never; // from here on the lane's deadline counts
        s->wake.expires_at(never);
        // a sink may begin to commit just before the deadline: its answer is waited for a little longer
        const auto margin =
            std::max<std::chrono::milliseconds>(options_.lane_timeout / 10, std::chrono::milliseconds(500));
        lanes_.deliver(stamped_frame(arrival(*s), envelope, std::move(spool)), envelope.to.size(),
                       begin + options_.lane_timeout + margin, [s](LaneOutcome outcome) {
                           s->outcome = std::move(outcome);
                           s->wake.cancel();
                       });
        while (!s->outcome)
            co_await s->wake.async_wait(quiet);
        note_full_disk(s->outcome->answers);
        said = replies(s->codec, s->outcome->answers);
    }
    const auto ms = milliseconds_since(begin);
    records_.message(*s, said, octets, {ms, milliseconds_since(s->data_begin) - ms});
    s->codec.finish(said);
    s->message_facts.clear();
    s->begin = SteadyClock::now();
    hear(*s);
}

/// Why the lane does not get it; nothing where it does.
std::vector<ServerReply> Front::faults(Session& s, Spool& spool) const
{
    const auto refuse = [&](const ServerReply& reply) {
        return std::vector<ServerReply>(s.codec.is_lmtp() ? s.codec.envelope().to.size() : 1, reply);
    };
    if (s.codec.fault() != DataFault::none)
        return refuse(data_refusal(s.codec.fault(), options_.server.data));
    if (spool.view(); !spool.intact())
        return refuse(data_refusal(DataFault::no_memory, options_.server.data));
    if (received_count(spool.view(), options_.limits) > options_.limits.received)
        return refuse({554, "5.4.6", "Too many Received fields: this message goes in circles"});
    return {};
}

Arrival Front::arrival(const Session& s) const
{
    Arrival out;
    out.id = s.codec.id();
    out.hostname = options_.server.hostname;
    const auto& forwarded = s.codec.forwarded();
    out.client.ip = forwarded.address.value_or(s.peer.ip);
    out.client.name = forwarded.name.value_or(s.name);
    out.client.helo = forwarded.helo.value_or(s.codec.helo());
    out.client.proto = s.codec.protocol();
    out.client.tls = s.codec.tls();
    out.client.listener = s.listener;
    out.tls_cipher = s.tls_peer.cipher;
    out.client.auth = s.codec.login();
    out.submitted = s.submission;
    out.client.cert = s.tls_peer.fingerprint;
    out.client.subject = s.tls_peer.subject;
    out.time = options_.clock.now();
    out.deadline = boot_seconds() + static_cast<double>(options_.lane_timeout.count()) / 1000.0;
    out.facts = s.facts;
    add_facts(out.facts, s.message_facts);
    return out;
}

/// What the lane answered, in words for strangers; the record of the stage that said it has the rest.
std::vector<ServerReply> Front::replies(const ServerSession& codec, const std::vector<mail::Answer>& answers) const
{
    const auto reply = [](const mail::Answer& answer) {
        return ServerReply{answer.code, answer.enhanced, without_local_paths(answer.text)};
    };
    if (!codec.is_lmtp())
        return {reply(mail::one_reply(answers))};
    std::vector<ServerReply> out;
    for (const auto& answer : answers)
        out.push_back(reply(answer));
    return out;
}

} // namespace mgw::smtp
