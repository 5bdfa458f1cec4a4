#pragma once

#include "lib/cli/tool.hpp"

#include <string>
#include <vector>

namespace mgw::recv
{

struct MilterOptions {
    std::vector<std::string> listen; ///< inet:PORT@HOST, inet6:PORT@HOST or unix:PATH
    std::string mixed = "remove";
    std::string made = "defer";
};

void declare_milter(cli::Tool& tool, MilterOptions& options);

} // namespace mgw::recv
