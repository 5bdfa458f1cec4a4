#pragma once

#include "lib/mail/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgw::auth
{

/// One method of an Authentication-Results field (RFC 8601 section 2.2).
struct MethodResult {
    std::string method;  ///< "dkim"
    std::string result;  ///< "pass"
    std::string comment; ///< in parentheses behind the result; empty for none
    std::string reason;  ///< reason="…"; empty for none
    std::vector<std::pair<std::string, std::string>>
        properties; ///< "header.d" and its value; empty values are left out
};

/// The field "Authentication-Results: …", folded with "\n" and without a last line end. Whatever the values hold, the
/// field stays one field: they are made printable ASCII and quoted where RFC 8601 asks for it.
std::string results_field(std::string_view authserv_id, const std::vector<MethodResult>& methods);

/// The authserv-id of a raw field value, in whatever way it is folded, quoted or commented; nothing if none can be
/// read.
std::optional<std::string> authserv_id_of(std::string_view raw_value);

/// Whether a raw field value speaks in the name of `authserv_id`: its authserv-id is the same domain, or it cannot be
/// read but names it. Such a field from outside is forged (RFC 8601 section 5).
bool claims(std::string_view raw_value, std::string_view authserv_id);

/// The Authentication-Results fields of a message that speak in the name of `authserv_id`, wherever they stand: also
/// behind what the message's index takes for the header because of its limits.
std::vector<mail::Field> forged_results(const mail::Message& message, std::string_view authserv_id);

} // namespace mgw::auth
