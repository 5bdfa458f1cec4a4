#include "tools/mgw-recv/milter_options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::recv
{

void declare_milter(cli::Tool& tool, MilterOptions& o)
{
    auto& app = tool.app();
    app.add_option("--milter", o.listen,
                   "Serve mail servers there as a filter (milter): inet:PORT@ADDRESS, inet6:PORT@ADDRESS or unix:PATH. "
                   "May be repeated.")
        ->type_name("SOCKET")
        ->allow_extra_args(false);
    tool.choices(app.add_option("--milter-mixed", o.mixed,
                                "When some recipients are accepted and some refused: remove the refused ones from the "
                                "message, or let the client send to them apart (451).")
                     ->type_name("WHAT")
                     ->capture_default_str(),
                 {"remove", "defer"});
    tool.choices(app.add_option("--milter-made", o.made,
                                "What to do with a message for which the pipeline made others, such as notices, that a "
                                "milter cannot send: defer it (451), or drop them.")
                     ->type_name("WHAT")
                     ->capture_default_str(),
                 {"defer", "drop"});
}

} // namespace mgw::recv
