#include "lib/queue/spool.hpp"

#include "lib/core/durable.hpp"
#include "lib/core/key.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace mgw::queue
{

std::string default_spool()
{
    if (const char* set = std::getenv("MGW_SPOOL"); set != nullptr && *set != '\0')
        return set;
    const auto state = state_directory();
    return state.empty() ? state : state + "/spool";
}

Result<void> require_spool(const std::string& path)
{
    if (path.empty())
        return fail(Status::config, "there is no home directory for the spool", "name one with --spool");
    const auto format = read_file(path + "/FORMAT", 4096);
    if (!format)
        return fail(Status::config, "no spool at " + path, "name one with --spool; 'mgw-queue add' makes it");
    if (*format != format_line)
        return fail(Status::config, path + " is a spool of another format",
                    "this program reads the format of mgw-queue(5) whose file FORMAT says 'mgw-spool 1'");
    return {};
}

Result<void> make_spool(const std::string& path)
{
    if (path.empty() || ::access((path + "/FORMAT").c_str(), F_OK) == 0)
        return require_spool(path);
    std::error_code error;
    if (!std::filesystem::is_empty(path, error) && !error && !std::filesystem::exists(path + "/lanes", error))
        return fail(Status::config, path + " is neither a spool nor empty", "name another folder with --spool");
    for (const auto& folder : {path, path + "/lanes"})
        if (auto made = make_directories(folder); !made)
            return made;
    return write_durably(path + "/FORMAT", format_line, 0600);
}

Result<void> Spool::take_lane()
{
    if (lane_)
        return {};
    auto lane = Lane::open(path_, options_);
    if (!lane)
        return pass(lane);
    lane_.emplace(std::move(*lane));
    return {};
}

Result<void> Spool::commit(std::vector<Group>& groups)
{
    if (auto taken = take_lane(); !taken)
        return taken;
    return lane_->commit(groups);
}

Result<void> Spool::refresh()
{
    for (unsigned lane = 0; lane < lane_count; ++lane) {
        // The mark before the list: a segment that begins in between is for the next look.
        const auto mark = read_mark(path_, lane);
        const auto sequences = segments_of(path_, lane);
        for (const auto sequence : sequences) {
            if (mark.writer_lives && sequence > mark.sequence)
                continue;
            const auto [at, fresh] = by_name_.try_emplace({lane, sequence}, segments_.size());
            if (fresh)
                segments_.push_back({.lane = lane, .sequence = sequence});
            if (segments_[at->second].sealed)
                continue;
            const bool growing = mark.writer_lives && sequence == mark.sequence;
            look_at(at->second, growing ? std::max<std::uint64_t>(mark.flushed, segment_head_octets) : 0);
            segments_[at->second].sealed = !growing && sequence != sequences.back();
        }
    }
    take_events();
    return {};
}

void Spool::look_at(std::size_t index, std::uint64_t limit)
{
    auto& segment = segments_[index];
    if (limit > 0 && segment.readable && segment.next >= limit)
        return;
    auto source = FileSource::open(segment_path(path_, segment.lane, segment.sequence));
    if (!source) // removed meanwhile
        return;
    if (!segment.readable) {
        const auto head = read_segment_head(*source);
        if (!head) {
            if (!is_blank(*source) && complained_.emplace(index, 0).second)
                damaged(segment, "it has no segment head");
            return;
        }
        segment.head = *head;
        segment.readable = true;
    }
    const auto scanned = scan(*source, segment.head, {.from = segment.next, .limit = limit});
    segment.next = scanned.next;
    for (const auto& damage : scanned.damages)
        if (!damage.torn && complained_.emplace(index, damage.offset).second)
            damaged(segment, std::to_string(damage.octets) + " octets at offset " + std::to_string(damage.offset) +
                                 " are set aside: " + damage.what);
    for (const auto& found : scanned.records) {
        if (found.head.type == Type::message)
            take_message(found, index);
        else
            events_.push_back({index, found.head.type, found.head.id, found.head.time_us, found.header});
    }
}

void Spool::damaged(Segment& segment, const std::string& what)
{
    segment.damaged = true;
    complain_(segment_path(path_, segment.lane, segment.sequence) + ": " + what);
}

void Spool::take_message(const Found& found, std::size_t index)
{
    if (!home_.try_emplace(found.head.id, index).second)
        return; // a copy of a segment beside the original
    const auto stored = parse_stored(found.header);
    if (!stored)
        return damaged(segments_[index], "message " + id_text(found.head.id) + ": " + stored.error().message);
    auto entry = begin_entry(found.head, *stored);
    entry.segment = index;
    entry.offset = found.offset;
    if (entry.recipients.empty())
        return;
    ++segments_[index].live;
    entries_.emplace(entry.id, std::move(entry));
}

void Spool::take_events()
{
    std::ranges::stable_sort(events_, {}, &Pointed::time_us);
    std::vector<Pointed> later;
    for (auto& event : events_) {
        const auto home = home_.find(event.id);
        if (home == home_.end()) {
            // Its message is in a segment that was read before the message came, or that is gone: look once more.
            if (!std::exchange(event.waited, true))
                later.push_back(std::move(event));
            continue;
        }
        if (home->second != event.segment)
            segments_[event.segment].refers_to.insert(home->second);
        const auto entry = entries_.find(event.id);
        if (entry == entries_.end())
            continue;
        const auto parsed = parse_event(event.header);
        if (!parsed) {
            damaged(segments_[event.segment], "event of " + id_text(event.id) + ": " + parsed.error().message);
        } else if (!apply(entry->second, event.type, event.time_us, *parsed)) {
            --segments_[home->second].live;
            entries_.erase(entry);
        }
    }
    events_ = std::move(later);
}

Result<Stored> Spool::read(const Entry& entry)
{
    const auto& segment = segments_.at(entry.segment);
    auto source = FileSource::open(segment_path(path_, segment.lane, segment.sequence));
    if (!source)
        return pass(source);
    auto octets = source->read(entry.offset, record_head_octets);
    if (!octets)
        return pass(octets);
    const auto head = decode_record_head(*octets);
    if (!head || head->id != entry.id)
        return fail(Status::data, "message " + id_text(entry.id) + " is damaged in the spool");
    auto header = source->read(entry.offset + record_head_octets, head->header_octets);
    if (!header)
        return pass(header);
    auto stored = parse_stored(*header);
    if (!stored)
        return stored;
    auto body = read_body(*source, segment.head, *head, entry.offset);
    if (!body)
        return pass(body);
    stored->message = std::move(*body);
    return stored;
}

/// A segment may go when its messages are finished and its events are about messages whose segments are gone or go with
/// it: a message whose DONE is lost would be sent again.
std::vector<std::size_t> Spool::reclaimable() const
{
    std::set<std::size_t> candidates;
    for (std::size_t i = 0; i < segments_.size(); ++i)
        if (!segments_[i].gone && segments_[i].readable && segments_[i].live == 0 &&
            std::ranges::none_of(events_, [&](const Pointed& e) { return e.segment == i; }))
            candidates.insert(i);
    // Messages' segments first, so that a crash in between leaves events without messages, never the reverse.
    std::vector<std::size_t> order;
    for (bool found = true; found;) {
        found = false;
        for (const auto i : candidates) {
            const bool pinned = std::ranges::any_of(segments_[i].refers_to, [&](std::size_t home) {
                return !segments_[home].gone && std::ranges::find(order, home) == order.end();
            });
            if (!pinned && std::ranges::find(order, i) == order.end()) {
                order.push_back(i);
                found = true;
            }
        }
    }
    return order;
}

/// Whether nobody writes to the segment, and nothing has come since the last look.
bool Spool::may_go(std::size_t index)
{
    const auto& segment = segments_[index];
    if (lane_ && lane_->number() == segment.lane)
        return lane_->sequence() != segment.sequence;
    if (segment.sealed)
        return true;
    const auto lock = Lane::lock(path_, segment.lane);
    auto source = FileSource::open(segment_path(path_, segment.lane, segment.sequence));
    return lock && source && scan(*source, segment.head, {.from = segment.next}).records.empty();
}

Result<void> Spool::remove(std::size_t index)
{
    auto& segment = segments_[index];
    const auto path = segment_path(path_, segment.lane, segment.sequence);
    if (segment.damaged) {
        if (auto made = make_directories(path_ + "/damaged"); !made)
            return made;
        const auto aside =
            path_ + "/damaged/" + std::to_string(segment.lane) + "-" + id_text(segment.sequence) + ".seg";
        if (::rename(path.c_str(), aside.c_str()) != 0)
            return fail_errno(errno, "cannot set aside " + path);
    } else if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return fail_errno(errno, "cannot remove " + path);
    }
    if (auto synced = sync_directory(lane_path(path_, segment.lane)); !synced)
        return synced;
    segment.gone = true;
    segment.refers_to.clear();
    by_name_.erase({segment.lane, segment.sequence});
    std::erase_if(home_, [&](const auto& pair) { return pair.second == index; });
    return {};
}

Result<std::size_t> Spool::reclaim()
{
    std::size_t count = 0;
    for (const auto index : reclaimable()) {
        const auto& homes = segments_[index].refers_to;
        if (std::ranges::any_of(homes, [&](std::size_t home) { return !segments_[home].gone; }) || !may_go(index))
            continue;
        if (auto removed = remove(index); !removed)
            return pass(removed);
        ++count;
    }
    return count;
}

Result<std::vector<CheckedSegment>> check_spool(const std::string& path)
{
    std::vector<CheckedSegment> out;
    for (unsigned lane = 0; lane < lane_count; ++lane) {
        const auto mark = read_mark(path, lane);
        for (const auto sequence : segments_of(path, lane)) {
            if (mark.writer_lives && sequence > mark.sequence)
                continue;
            const auto name = segment_path(path, lane, sequence);
            CheckedSegment checked{.name = name.substr(path.size() + 1)};
            const bool growing = mark.writer_lives && sequence == mark.sequence;
            auto source = FileSource::open(name);
            const auto head = source ? read_segment_head(*source) : Result<SegmentHead>(pass(source));
            if (!head && (!source || !is_blank(*source))) {
                checked.error = head.error().message;
            } else if (head && (head->lane != lane || head->sequence != sequence)) {
                checked.error = "its head names another lane or number: it was copied here";
            } else if (head) {
                auto scanned = scan(*source, *head, {.limit = growing ? mark.flushed : 0, .every_body = true});
                checked.records = scanned.records.size();
                checked.damages = std::move(scanned.damages);
            }
            out.push_back(std::move(checked));
        }
    }
    return out;
}

} // namespace mgw::queue
