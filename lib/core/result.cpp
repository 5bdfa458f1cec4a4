#include "lib/core/result.hpp"

#include <system_error>

namespace mgw
{

std::unexpected<Error> fail_errno(int code, const std::string& what)
{
    return fail(Status::temp_fail, what + ": " + std::generic_category().message(code));
}

} // namespace mgw
