#include "lib/cli/stream.hpp"

#include "lib/cli/impl.hpp"
#include "lib/core/text.hpp"
#include "lib/mail/address.hpp"

#include <arpa/inet.h>

namespace mgw::cli
{

namespace
{

std::optional<Shard> parse_shard(std::string_view text)
{
    const auto slash = text.find('/');
    if (slash == std::string_view::npos)
        return std::nullopt;
    const auto index = parse_number(text.substr(0, slash));
    const auto count = parse_number(text.substr(slash + 1));
    if (!index || !count || *index < 1 || *index > *count)
        return std::nullopt;
    return Shard{*index, *count};
}

void declare_kind_options(Tool& tool, CLI::App& app, StreamOptions& options)
{
    static const std::map<std::string, Kind> kinds{
        {"message", Kind::message}, {"mbox", Kind::mbox}, {"frames", Kind::frames}};
    const auto kind_option = [&](const char* name, Kind& into, const char* text) {
        tool.choices(app.add_option_function<std::string>(
                            name, [&into](const std::string& value) { into = kinds.at(value); }, text)
                         ->type_name("KIND"),
                     {"message", "mbox", "frames"});
    };
    kind_option("--input", options.input,
                "Kind of the input: one message (the default), an mbox, or the frames of a lane.");
    kind_option("--output", options.output, "Kind of the output; the default is that of the input.");
    tool.choices(app.add_option_function<std::string>(
                        "--block",
                        [&options](const std::string& value) {
                            options.block = value == "keep" ? BlockMode::keep : BlockMode::strip;
                        },
                        "Whether the envelope block stands before messages on output.")
                     ->type_name("MODE"),
                 {"keep", "strip"});
    app.add_option_function<std::string>(
           "--shard", [&options](const std::string& value) { options.shard = *parse_shard(value); },
           "Take the I-th of each N messages of an mbox, a Maildir or a folder, 1 <= I <= N.")
        ->type_name("I/N")
        ->check(CLI::Validator(
            [](std::string& value) {
                return parse_shard(value) ? std::string{} : "a shard is wanted, such as 1/8: " + printable(value, 40);
            },
            ""));
    tool.hint(app.add_option("--key-file", options.key_file,
                             "Key for the tags of envelope blocks, 32 octets; the default is in the state folder.")
                  ->type_name("FILE"),
              Complete::file);
}

void declare_envelope(CLI::App& app, EnvelopeOptions& options)
{
    const CLI::Validator is_path(
        [](std::string& value) {
            return mail::parse_path(value) ? std::string{} : "not an address: " + printable(value, 80);
        },
        "");
    const CLI::Validator is_recipient(
        [](std::string& value) {
            const auto path = mail::parse_path(value);
            return path && !path->empty() ? std::string{} : "not an address: " + printable(value, 80);
        },
        "");
    const CLI::Validator is_ip(
        [](std::string& value) {
            unsigned char octets[16];
            const bool good = value.empty() || ::inet_pton(AF_INET, value.c_str(), octets) == 1 ||
                              ::inet_pton(AF_INET6, value.c_str(), octets) == 1;
            return good ? std::string{} : "not an IP address: " + printable(value, 80);
        },
        "");
    app.add_option("--client-ip", options.client_ip, "Address of the SMTP client that sent the message, IPv4 or IPv6.")
        ->check(is_ip)
        ->type_name("IP");
    app.add_option("--client-name", options.client_name, "Verified name of the SMTP client.")->type_name("NAME");
    app.add_option("--helo", options.helo, "Name that the SMTP client gave in EHLO or HELO.")->type_name("NAME");
    app.add_option("--from", options.from, "Envelope sender; an empty value is the null sender.")
        ->check(is_path)
        ->type_name("ADDRESS");
    app.add_option("--to", options.to, "Envelope recipient; may be repeated.")
        ->check(is_recipient)
        ->type_name("ADDRESS")
        ->allow_extra_args(false); // else it takes the operands that follow it
    app.add_option("--trust-received", options.trust_received,
                   "How many topmost Received fields to believe for the client's address, 0 to 100.")
        ->type_name("N")
        ->check(CLI::Range(0, 100).description(""));
}

} // namespace

void declare_stream_options(Tool& tool, CLI::App& app, StreamOptions& options)
{
    tool.hint(app.add_option("operands", options.operands,
                             "Messages, mboxes, Maildirs and folders of messages to read instead of standard input.")
                  ->type_name("FILE"),
              Complete::file);
    tool.later(app, [&] { declare_kind_options(tool, app, options); });
}

void declare_envelope_options(Tool& tool, CLI::App& app, EnvelopeOptions& options)
{
    tool.later(app, [&] { declare_envelope(app, options); });
}

} // namespace mgw::cli
