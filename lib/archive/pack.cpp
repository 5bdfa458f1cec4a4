#include "lib/archive/pack.hpp"

#include "lib/core/hash.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mgw::archive
{

namespace
{

constexpr std::size_t piece_octets = 256U << 10;
constexpr std::uint64_t sector_octets = 512;

bool all_zero(std::string_view octets)
{
    return octets.find_first_not_of('\0') == std::string_view::npos;
}

} // namespace

Result<Pack> Pack::open(const std::string& path)
{
    Pack pack;
    pack.path_ = path;
    pack.fd_.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat st {};
    if (!pack.fd_ || ::fstat(pack.fd_.value(), &st) != 0)
        return fail_errno(errno, "cannot open " + path);
    if (!S_ISREG(st.st_mode))
        return fail(Status::data, path + " is no regular file");
    pack.size_ = static_cast<std::uint64_t>(st.st_size);
    auto octets = pack.octets(0, pack_head_octets);
    if (!octets)
        return pass(octets);
    const auto head = decode_pack_head(*octets);
    if (!head)
        return fail(Status::data, path + " does not begin as a pack");
    pack.head_ = *head;
    return pack;
}

Result<Pack> Pack::from_octets(std::string octets)
{
    Pack pack;
    pack.path_ = "pack";
    pack.size_ = octets.size();
    const auto head = decode_pack_head(octets);
    if (!head)
        return fail(Status::data, "this does not begin as a pack");
    pack.head_ = *head;
    pack.memory_ = std::move(octets);
    return pack;
}

Result<std::string> Pack::octets(std::uint64_t offset, std::size_t count)
{
    if (offset >= size_)
        return std::string{};
    count = static_cast<std::size_t>(std::min<std::uint64_t>(count, size_ - offset));
    if (!fd_)
        return memory_.substr(static_cast<std::size_t>(offset), count);
    std::string out(count, '\0');
    std::size_t have = 0;
    while (have < count) {
        const ssize_t n = ::pread(fd_.value(), out.data() + have, count - have, static_cast<off_t>(offset + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(errno, "cannot read " + path_);
        if (n == 0)
            break;
        have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
}

Result<RecordHead> Pack::head_at(std::uint64_t offset)
{
    auto octets = this->octets(offset, record_head_octets);
    if (!octets)
        return pass(octets);
    auto head = decode_record_head(*octets, head_.salt);
    if (!head)
        return fail(Status::data, path_ + ": no record begins at offset " + std::to_string(offset));
    return *head;
}

/// The head's CRC covers the head only, so that this search is linear.
std::optional<std::uint64_t> Pack::next_head(std::uint64_t offset)
{
    for (std::uint64_t at = (offset + 8) / 8 * 8; at + record_head_octets <= size_;) {
        auto piece = octets(at, piece_octets);
        if (!piece || piece->size() < record_head_octets)
            return std::nullopt;
        const std::string_view view(*piece);
        for (auto p = view.find("MGWa"); p != std::string_view::npos; p = view.find("MGWa", p + 1))
            if ((at + p) % 8 == 0 && decode_record_head(view.substr(p), head_.salt))
                return at + p;
        at += (piece->size() - record_head_octets + 8) / 8 * 8;
    }
    return std::nullopt;
}

/// A write that was cut short ends before its length, or a sector of it never reached the disk. Octets that are there
/// but wrong are a damage.
bool Pack::looks_torn(std::uint64_t offset)
{
    if (size_ - offset < record_head_octets)
        return true;
    const auto head = head_at(offset);
    if (head && head->total_octets() > size_ - offset)
        return true;
    auto first = octets(offset, record_head_octets);
    if (first && all_zero(*first))
        return true;
    for (std::uint64_t at = (offset + sector_octets - 1) / sector_octets * sector_octets; at + sector_octets <= size_;
         at += sector_octets)
        if (auto sector = octets(at, sector_octets); sector && all_zero(*sector))
            return true;
    return false;
}

Result<std::uint64_t> Pack::walk(std::uint64_t offset,
                                 const std::function<Result<void>(const RecordHead&, std::uint64_t)>& found,
                                 const std::function<void(const Damage&)>& damaged)
{
    offset = std::max<std::uint64_t>(offset, pack_head_octets);
    std::uint64_t end = offset;
    while (offset < size_) {
        auto octets = this->octets(offset, record_head_octets);
        if (!octets)
            return pass(octets);
        const auto head = decode_record_head(*octets, head_.salt);
        if (head && head->total_octets() <= size_ - offset) {
            if (auto told = found(*head, offset); !told)
                return pass(told);
            offset += head->total_octets();
            end = offset;
            continue;
        }
        const auto next = next_head(offset);
        damaged({.offset = offset,
                 .what = std::to_string(next.value_or(size_) - offset) + " octets that are no record",
                 .torn = !next && looks_torn(offset)});
        if (!next)
            break;
        offset = *next;
    }
    return end;
}

Result<Content> Pack::read(const RecordHead& head, std::uint64_t offset)
{
    auto data = octets(offset + record_head_octets, head.block_octets + static_cast<std::size_t>(head.stored_octets));
    if (!data)
        return pass(data);
    auto content = open_record(head, *data, head_.salt);
    if (!content)
        return fail(content.error().status, path_ + ": " + content.error().message,
                    "mgw-archive verify names every damage");
    return content;
}

Result<std::string> Pack::hash(std::uint64_t end)
{
    Sha256 hash;
    for (std::uint64_t at = 0; at < end;) {
        auto piece = octets(at, static_cast<std::size_t>(std::min<std::uint64_t>(piece_octets, end - at)));
        if (!piece)
            return pass(piece);
        if (piece->empty())
            return fail(Status::data, path_ + " is cut short");
        hash.add(*piece);
        at += piece->size();
    }
    return hash.finish();
}

} // namespace mgw::archive
