#include "lib/smtp/spool.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace mgw::smtp
{

bool Spool::append(std::string_view octets)
{
    if (broken_ || (budget_ != nullptr && !budget_->has_room(octets.size())))
        return false;
    if (!file_ && size_ + octets.size() > spill_octets && !spill())
        return false;
    if (file_) {
        if (!append_to_file(octets))
            return false;
    } else {
        text_.append(octets);
    }
    size_ += octets.size();
    if (budget_ != nullptr)
        budget_->used_octets += octets.size();
    return true;
}

bool Spool::spill()
{
    file_.reset(::memfd_create("mgw-recv", MFD_CLOEXEC));
    if (!file_ || !append_to_file(text_)) {
        broken_ = true;
        return false;
    }
    std::string().swap(text_);
    return true;
}

bool Spool::append_to_file(std::string_view octets)
{
    while (!octets.empty()) {
        const ssize_t n = ::write(file_.value(), octets.data(), octets.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            broken_ = true;
            return false;
        }
        octets.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

std::string_view Spool::view()
{
    if (!file_)
        return text_;
    if (map_ != nullptr && map_octets_ != size_) {
        ::munmap(map_, map_octets_);
        map_ = nullptr;
    }
    if (map_ == nullptr) {
        void* map = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file_.value(), 0);
        if (map == MAP_FAILED) {
            broken_ = true;
            return {};
        }
        map_ = map;
        map_octets_ = size_;
    }
    return {static_cast<const char*>(map_), size_};
}

void Spool::clear()
{
    if (map_ != nullptr)
        ::munmap(map_, map_octets_);
    map_ = nullptr;
    map_octets_ = 0;
    file_.reset();
    std::string().swap(text_);
    if (budget_ != nullptr)
        budget_->used_octets -= size_;
    size_ = 0;
    broken_ = false;
}

void Spool::swap(Spool& other) noexcept
{
    std::swap(budget_, other.budget_);
    std::swap(text_, other.text_);
    std::swap(file_, other.file_);
    std::swap(map_, other.map_);
    std::swap(map_octets_, other.map_octets_);
    std::swap(size_, other.size_);
    std::swap(broken_, other.broken_);
}

} // namespace mgw::smtp
