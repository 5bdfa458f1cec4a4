#include "lib/mail/boundary.hpp"

namespace mgw::mail
{

std::string make_boundary(std::string_view content, Random& random)
{
    std::string boundary;
    do {
        boundary = "=_" + random.word(26);
    } while (content.contains(boundary));
    return boundary;
}

} // namespace mgw::mail
