#pragma once

#include "lib/scan/engine.hpp"
#include "lib/scan/scanner.hpp"

#include <string>
#include <utility>
#include <vector>

namespace mgw::scan
{

std::string_view outcome_name(Outcome outcome);

/// The values of the Mgw-Result line: virus, virus-name, why, parts, db, flags, and for each name of each attachment N
/// file.N, type.N (declared), true.N, part.N; for the members of an archive member.N.M and member-true.N.M. A part with
/// two names has two numbers; one without a name has no file.N. What only another reading than the strict one shows has
/// reading.N, "lenient" or "raw"; readings counts the contents that only those see.
std::vector<std::pair<std::string, std::string>> result_values(const Report& report, const Database* database);

/// "Clean", "Infected (NAME)", "Not scanned (WHY)".
std::string status_text(const Report& report);

/// What a MIME-Ambiguity-Results field says behind the name: "result=none", or
/// "result=ambiguous; flags=no-boundary,base64-junk; readings=3".
std::string ambiguity_text(const Report& report);

/// Lines for people: what was scanned, how large, how long it took, what came out.
std::vector<std::string> explain_lines(const Report& report, const Database* database);

} // namespace mgw::scan
