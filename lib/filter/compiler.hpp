#pragma once

#include "lib/filter/program.hpp"
#include "lib/filter/syntax.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgw::filter
{

struct CompileOptions {
    std::string name = "script";       ///< what problems and verdicts call the script
    std::string version = {};          ///< what `environment "version"` says
    bool allow_virus_override = false; ///< `accept :class "virus"` is allowed
    ScriptLimits limits;
};

/// The program, or nothing and what is wrong.
struct Compiled {
    std::optional<Program> program;
    std::vector<Problem> problems;
};

/// Compiles a Sieve script (RFC 5228 and the extensions of extension_names()). Everything that the script asks for and
/// that cannot be done is a problem here, never a surprise later.
Compiled compile(std::string_view script, const CompileOptions& options);

/// The extensions that `require` may name, in alphabetical order.
const std::vector<std::string_view>& extension_names();

/// "policy.sieve:12:5: unknown command \"foo\""
std::string describe(const Problem& problem, std::string_view name);

} // namespace mgw::filter
