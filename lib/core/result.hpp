#pragma once

#include <expected>
#include <string>
#include <utility>

namespace mgw
{

/// Exit statuses of every tool, the values of <sysexits.h>. Once a message has been read, our own troubles are
/// `temp_fail`: Postfix's pipe(8) bounces mail on every other failure but 71.
enum class Status : int { ok = 0, usage = 64, data = 65, temp_fail = 75, refused = 77, config = 78 };

/// What went wrong: one lower-case sentence that names the object and what the system said, and what to try.
struct Error {
    Status status = Status::temp_fail;
    std::string message;
    std::string hint = {};
};

/// A value or an Error. Derived so that a dropped result warns.
template <class T> class [[nodiscard]] Result : public std::expected<T, Error> {
public:
    using std::expected<T, Error>::expected;
};

/// Makes the failed side of a Result: `return fail(Status::data, "header line is too long");`
inline std::unexpected<Error> fail(Status status, std::string message, std::string hint = {})
{
    return std::unexpected<Error>(Error{status, std::move(message), std::move(hint)});
}

/// Passes the error of `result` on to a caller whose Result has another value type.
template <class T> std::unexpected<Error> pass(Result<T>& result)
{
    return std::unexpected<Error>(std::move(result.error()));
}

/// "what: what the system says about `code`" as a temporary failure (`code` is an errno value).
std::unexpected<Error> fail_errno(int code, const std::string& what);

} // namespace mgw
