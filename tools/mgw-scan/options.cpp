#include "options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::scan
{

void declare(cli::Tool& tool, Options& o)
{
    auto& app = tool.app();
    tool.hint(
        app.add_option("--database", o.database,
                       "Folder with ClamAV signatures, such as /var/lib/clamav; none to look at names and types only. "
                       "Without it the test signatures that come with mgw are used.")
            ->type_name("FOLDER"),
        cli::Complete::directory);
    tool.hint(app.add_option(
                     "--tmp-dir", o.tmp_dir,
                     "Where the private folder for unpacking is made; without it in /dev/shm, else in TMPDIR or /tmp.")
                  ->type_name("FOLDER"),
              cli::Complete::directory);
    app.add_option("--file-limit", o.file_limit,
                   "Largest file to scan, also inside archives, in octets with k, M or G; a larger one is not scanned.")
        ->type_name("SIZE")
        ->capture_default_str();
    app.add_option("--total-limit", o.total_limit,
                   "What may be unpacked from one file altogether, in octets with k, M or G.")
        ->type_name("SIZE")
        ->capture_default_str();
    app.add_option("--scan-time", o.scan_time,
                   "Seconds for scanning one message, 1 to 3600; what is left then is not scanned.")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(1, 3600).description(""));
    app.add_option("--max-members", o.max_members,
                   "How many files inside archives are named in the result of one message, 0 to 10000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(0, 10000).description(""));
    app.add_flag("--scan-headers", o.scan_headers, "Also add the field X-Virus-Status to the message.");
    app.add_flag("--replace-fields", o.replace_fields,
                 "With --scan-headers, remove fields of that name that came with the message.");
    app.add_option(
           "--ambiguity-results", o.ambiguity_results,
           "Also add the field MIME-Ambiguity-Results in this name, such as the machine's; those that came with "
           "the message in the same name are removed.")
        ->type_name("NAME");
    cli::declare_stage_options(tool, app, o.stage);
}

} // namespace mgw::scan
