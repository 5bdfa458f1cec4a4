#include "lib/dns/name.hpp"

namespace mgw::dns
{

bool is_name(std::string_view name)
{
    if (name.empty() || name.size() > 253)
        return false;
    std::size_t label = 0;
    for (const char c : name) {
        if (c != '.') {
            if (++label > 63)
                return false;
        } else if (label == 0) {
            return false;
        } else {
            label = 0;
        }
    }
    return label > 0;
}

std::string_view without_final_dot(std::string_view name)
{
    if (name.ends_with('.'))
        name.remove_suffix(1);
    return name;
}

} // namespace mgw::dns
