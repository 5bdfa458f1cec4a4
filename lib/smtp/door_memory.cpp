#include "lib/smtp/door_memory.hpp"

namespace mgw::smtp
{

std::shared_ptr<DoorSession> DoorMemory::find(const std::string& session)
{
    const std::lock_guard lock(mutex_);
    auto& entry = sessions_[session];
    if (entry)
        return entry;
    entry = std::make_shared<DoorSession>();
    auto out = entry; // the entry may be the one that goes
    order_.push_back(session);
    if (order_.size() > most_) {
        sessions_.erase(order_.front());
        order_.pop_front();
    }
    return out;
}

} // namespace mgw::smtp
