#pragma once

#include "lib/cli/stage.hpp"

#include <string>

namespace mgw::scan
{

struct Options {
    cli::StageOptions stage;
    std::string database;             ///< --database FOLDER|none; empty for the default one
    std::string tmp_dir;              ///< --tmp-dir
    std::string file_limit = "100M";  ///< --file-limit SIZE
    std::string total_limit = "200M"; ///< --total-limit SIZE
    unsigned scan_time = 20;          ///< --scan-time SECONDS
    unsigned max_members = 1000;      ///< --max-members N
    bool scan_headers = false;        ///< --scan-headers
    bool replace_fields = false;      ///< --replace-fields
    std::string ambiguity_results;    ///< --ambiguity-results NAME; empty: no such field
};

void declare(cli::Tool& tool, Options& options);

} // namespace mgw::scan
