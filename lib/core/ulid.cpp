#include "lib/core/ulid.hpp"

namespace mgw
{

namespace
{
constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
}

std::string make_ulid(Time time, Random& random)
{
    auto ms =
        static_cast<std::uint64_t>(std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count());
    std::string out(26, '0');
    for (std::size_t i = 10; i-- > 0; ms >>= 5)
        out[i] = alphabet[ms & 31];
    const std::string octets = random.octets(16);
    for (std::size_t i = 0; i < 16; ++i)
        out[10 + i] = alphabet[static_cast<unsigned char>(octets[i]) & 31];
    return out;
}

bool is_ulid(std::string_view text)
{
    return text.size() == 26 && text[0] <= '7' && text.find_first_not_of(alphabet) == std::string_view::npos;
}

} // namespace mgw
