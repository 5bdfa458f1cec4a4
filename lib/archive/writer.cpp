#include "lib/archive/writer.hpp"

#include "lib/archive/pack.hpp"
#include "lib/core/durable.hpp"
#include "lib/core/text.hpp"
#include "lib/core/ulid.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::archive
{

std::unexpected<Error> Writer::failed(int code, const std::string& what)
{
    no_space_ = code == ENOSPC || code == EDQUOT || code == EFBIG;
    return fail_errno(code, what);
}

Result<void> Writer::append(std::vector<Write>& writes)
{
    no_space_ = false;
    for (const auto& write : writes)
        if (write.block.size() > max_block_octets || write.message.size() > max_message_octets)
            return fail(Status::data, "a message is too large for the archive");
    const Time now = options_.clock.now();
    const auto month = month_of(now);
    if (pack_ && (month != month_ || end_ >= options_.pack_octets))
        if (auto sealed = seal(); !sealed)
            return sealed;
    if (!pack_)
        if (auto taken = take_pack(month); !taken)
            return taken;
    std::string octets;
    std::uint64_t sequence = sequence_;
    for (auto& write : writes) {
        ++sequence;
        // Pack and sequence make it unique where a fixed seed would give out the same id twice.
        auto random = options_.random.fork(relative_ + ":" + std::to_string(sequence));
        write.id = make_ulid(now, random);
        octets += make_record(sequence, microseconds(now), write.id, write.block, write.message, head_.salt);
    }
    if (auto done = put(octets); !done)
        return done;
    sequence_ = sequence;
    return {};
}

/// Writes at the end and flushes. The kernel marks pages clean after a failed flush: trying again would report success
/// for octets that are gone, so the pack is cut back to what was flushed and left.
Result<void> Writer::put(std::string_view octets)
{
    std::size_t done = 0;
    int code = 0;
    while (code == 0 && done < octets.size()) {
        const ssize_t n =
            ::pwrite(pack_.value(), octets.data() + done, octets.size() - done, static_cast<off_t>(end_ + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            code = n < 0 ? errno : EIO;
        else
            done += static_cast<std::size_t>(n);
    }
    if (code == 0 && ::fdatasync(pack_.value()) != 0)
        code = errno;
    if (code == 0) {
        end_ += octets.size();
        return {};
    }
    [[maybe_unused]] const int cut = ::ftruncate(pack_.value(), static_cast<off_t>(end_));
    pack_.reset();
    abandoned_ = head_.number;
    return failed(code, "cannot write " + path());
}

Result<void> Writer::take_pack(const std::string& month)
{
    for (const auto& file : packs_of(archive_)) {
        if (file.sealed || file.number == abandoned_ || !resume(file))
            continue;
        if (auto noted = note_resumed(); !noted) {
            pack_.reset();
            return noted;
        }
        if (file.month == month && end_ < options_.pack_octets)
            return {};
        if (auto sealed = seal(); !sealed)
            return sealed;
    }
    return begin_pack(month);
}

/// Goes on in a pack whose writer has ended. What that one had not finished is cut off; a damaged pack is left as it
/// is.
bool Writer::resume(const PackFile& file)
{
    const auto path = archive_ + "/" + file.path;
    Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!fd || !lock(fd.value(), false))
        return false;
    auto pack = Pack::open(path);
    if (!pack || pack->head().number != file.number)
        return false;
    bool damaged = false;
    bool sealed = false;
    std::uint64_t sequence = 0;
    std::optional<RecordHead> last;
    std::uint64_t last_offset = 0;
    auto end = pack->walk(
        0,
        [&](const RecordHead& head, std::uint64_t offset) -> Result<void> {
            sequence = head.sequence;
            sealed = head.kind == Kind::seal;
            last = head;
            last_offset = offset;
            return {};
        },
        [&](const Damage& damage) { damaged = damaged || !damage.torn; });
    if (!end || damaged)
        return false;
    if (sealed) { // the crash came between the seal and the change of mode
        ::fchmod(fd.value(), 0444);
        return false;
    }
    if (last && !pack->read(*last, last_offset))
        return false;
    if ((*end < pack->size() && ::ftruncate(fd.value(), static_cast<off_t>(*end)) != 0) || ::fdatasync(fd.value()) != 0)
        return false;
    pack_ = std::move(fd);
    head_ = pack->head();
    relative_ = file.path;
    month_ = file.month;
    end_ = *end;
    sequence_ = sequence;
    return true;
}

Result<void> Writer::begin_pack(const std::string& month)
{
    auto locked = lock_archive(archive_);
    if (!locked)
        return pass(locked);
    const auto packs = packs_of(archive_);
    auto manifest = Manifest::read(archive_ + "/manifest");
    std::uint32_t number = packs.empty() ? 0 : packs.back().number;
    if (manifest) // a number is never given out twice, even when its pack was lost
        for (const auto& entry : manifest->entries)
            if (entry.path.size() == 25)
                number =
                    std::max(number, static_cast<std::uint32_t>(parse_number(entry.path.substr(14, 6)).value_or(0)));
    if (++number > 999999)
        return fail(Status::temp_fail, "the archive has no number for another pack", "begin another archive");
    if (auto made = make_directories(archive_ + "/packs/" + month); !made)
        return made;
    relative_ = pack_path(number, month);
    Fd fd(::open(path().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd || !lock(fd.value(), false))
        return failed(errno, "cannot create " + path());
    pack_ = std::move(fd);
    head_ = {.number = number,
             .created_us = microseconds(options_.clock.now()),
             .salt = static_cast<std::uint32_t>(Random{}.next())};
    month_ = month;
    end_ = sequence_ = 0;
    if (auto written = put(encode(head_)); !written) {
        ::unlink(path().c_str());
        return written;
    }
    const auto give_up = [&](std::unexpected<Error> error) -> Result<void> {
        pack_.reset();
        return error;
    };
    if (auto synced = sync_directory(archive_ + "/packs/" + month); !synced)
        return give_up(pass(synced));
    if (auto noted = note({relative_, 0, {}}); !noted)
        return give_up(pass(noted));
    return {};
}

/// The writer that began the pack may have died before it noted it.
Result<void> Writer::note_resumed()
{
    const auto manifest = Manifest::read(archive_ + "/manifest");
    if (manifest && manifest->find(relative_) != nullptr)
        return {};
    auto locked = lock_archive(archive_);
    if (!locked)
        return pass(locked);
    return note({relative_, 0, {}});
}

/// The caller holds the archive's lock.
Result<void> Writer::note(Manifest::Entry entry)
{
    const auto file = archive_ + "/manifest";
    Manifest manifest;
    if (::access(file.c_str(), F_OK) == 0) {
        auto there = Manifest::read(file);
        if (there)
            manifest = std::move(*there);
        else if (there.error().status != Status::data)
            return pass(there);
        else if (::rename(file.c_str(), (file + ".damaged").c_str()) != 0) // mail goes on, verify names it
            return failed(errno, "cannot set aside " + file);
    }
    manifest.set(std::move(entry));
    return write_durably(file, manifest.text(), 0600);
}

Result<void> Writer::seal()
{
    auto pack = Pack::open(path());
    if (!pack)
        return pass(pack);
    auto hash = pack->hash(end_);
    if (!hash)
        return pass(hash);
    if (auto written = put(make_seal(sequence_ + 1, microseconds(options_.clock.now()), *hash, head_.salt)); !written)
        return written;
    auto whole = Pack::open(path());
    if (!whole)
        return pass(whole);
    auto sum = whole->hash(end_);
    if (!sum)
        return pass(sum);
    auto locked = lock_archive(archive_);
    if (!locked)
        return pass(locked);
    if (auto noted = note({relative_, end_, hex(*sum)}); !noted)
        return noted;
    if (::fchmod(pack_.value(), 0444) != 0 || ::fsync(pack_.value()) != 0)
        return failed(errno, "cannot seal " + path());
    pack_.reset();
    return {};
}

} // namespace mgw::archive
