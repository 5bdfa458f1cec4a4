#include "options.hpp"

#include <CLI/CLI.hpp>

namespace mgw::route
{

void declare(cli::Tool& tool, Options& o)
{
    auto& app = tool.app();
    cli::declare_stage_options(tool, app, o.stage);
    tool.hint(app.add_option("--aliases", o.aliases,
                             "Alias table in the text format of Postfix's aliases(5) or virtual(5); may be repeated.")
                  ->type_name("FILE")
                  ->allow_extra_args(false),
              cli::Complete::file);
    tool.hint(app.add_option("--transport", o.transports,
                             "Transport table in the text format of Postfix's transport(5); may be repeated.")
                  ->type_name("FILE")
                  ->allow_extra_args(false),
              cli::Complete::file);
    tool.hint(app.add_option("--users", o.users,
                             "List of the users that exist in local domains, one a line: user, user@domain or @domain; "
                             "may be repeated.")
                  ->type_name("FILE")
                  ->allow_extra_args(false),
              cli::Complete::file);
    app.add_option(
           "--local-domain", o.local_domains,
           "Domain whose unknown users are refused; may be repeated; the first completes names without a domain.")
        ->type_name("DOMAIN")
        ->allow_extra_args(false);
    app.add_option("--relay", o.relay, "Next hop of mail that no transport names, instead of the domain's MX.")
        ->type_name("DESTINATION");
    app.add_option("--redirect", o.redirect, "Sends everything to this address.")->type_name("ADDRESS");
    app.add_option("--redirect-domain", o.redirect_domains,
                   "Treats addresses in domain OLD as in domain NEW; may be repeated.")
        ->type_name("OLD=NEW")
        ->allow_extra_args(false);
    app.add_option("--recipient-delimiter", o.delimiters, "Characters that begin an address extension.")
        ->type_name("CHARACTERS")
        ->capture_default_str();
    app.add_option("--alias-limit", o.alias_limit,
                   "Defers mail of which aliases make more than N addresses, 1 to 100000.")
        ->type_name("N")
        ->capture_default_str()
        ->check(CLI::Range(1, 100000).description(""));
    app.add_option("--srs-domain", o.srs_domain, "Domain of the senders that SRS writes on forwarded mail.")
        ->type_name("DOMAIN");
    tool.hint(app.add_option("--srs-secret-file", o.srs_secret_file,
                             "File of SRS secrets, one a line; the first signs, all verify.")
                  ->type_name("FILE"),
              cli::Complete::file);
    tool.command("lookup", "print what would become of addresses, and why", [&o](CLI::App& lookup) {
        lookup.add_option("ADDRESS", o.addresses, "Address to look up.")->required();
        lookup.callback([&o] { o.lookup = true; });
    });
}

} // namespace mgw::route
