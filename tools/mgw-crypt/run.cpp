#include "run.hpp"

#include "lib/core/text.hpp"
#include "lib/crypt/broker.hpp"
#include "lib/crypt/openpgp.hpp"
#include "lib/crypt/pgp_mime.hpp"
#include "lib/mail/address.hpp"

#include <algorithm>
#include <optional>

namespace mgw::crypt
{

namespace
{

using Values = std::vector<std::pair<std::string, std::string>>;

std::string_view encryption_name(Encrypted kind)
{
    switch (kind) {
    case Encrypted::pgp_mime:
        return "pgp-mime";
    case Encrypted::pgp_text:
        return "pgp-text";
    case Encrypted::smime:
        return "smime";
    case Encrypted::no:
        break;
    }
    return "none";
}

std::vector<mail::Recipient> accepted_recipients(const mail::Block& block)
{
    std::vector<mail::Recipient> out;
    for (auto& recipient : block.final_recipients())
        if (block.effective(recipient.number).action == mail::Action::accept)
            out.push_back(std::move(recipient));
    return out;
}

/// Says the same to later stages, to the record and to who asked for an explanation.
void report(cli::Subject& subject, cli::Context& context, const Values& values)
{
    subject.block.add_result("mgw-crypt", values);
    std::string line;
    for (const auto& [key, value] : values) {
        context.record.text(key, value);
        line += (line.empty() ? "" : " ") + key + "=" + printable(value, 200);
    }
    context.explain(line);
}

/// What both subcommands share: the keyring, read once before the workers are forked, and for each of them a process that
/// runs gpg, so that what parses mail can be confined.
class Keyring : public cli::Stage {
public:
    explicit Keyring(const Options& options) : options_(options) {}
    Result<void> prepare(cli::Tool& tool) override
    {
        largest_octets_ = tool.common().limits.message_octets;
        auto pgp = OpenPgp::open(options_.homedir);
        if (!pgp)
            return pass(pgp);
        pgp_.emplace(std::move(*pgp));
        return {};
    }
    Rights rights() const override { return {}; }
    Result<void> start() override
    {
        auto broker = Broker::start(*pgp_, largest_octets_);
        if (!broker)
            return pass(broker);
        broker_.emplace(std::move(*broker));
        return {};
    }

protected:
    const Options& options_;
    std::optional<OpenPgp> pgp_;
    std::optional<Broker> broker_;
    std::size_t largest_octets_ = 0;
};

class Encrypt final : public Keyring {
public:
    using Keyring::Keyring;

    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        const auto recipients = accepted_recipients(subject.block);
        if (recipients.empty()) {
            if (subject.block.final_recipients().empty())
                return fail(Status::temp_fail, "no recipient is known to encrypt to", "give --to=ADDRESS");
            report(subject, context, {{"encrypt", "none"}, {"why", "no-accepted-recipient"}});
            return {};
        }
        const mail::Message message(subject.message, context.limits);
        if (const auto found = find_encrypted(message, context.limits);
            found.kind == Encrypted::pgp_mime || found.kind == Encrypted::smime) {
            report(subject, context,
                   {{"encrypt", "none"},
                    {"why", "already-encrypted"},
                    {"encryption", std::string(encryption_name(found.kind))}});
            return {};
        }
        const Keys keys = find_keys(recipients, context);
        if (!keys.missing.empty() && options_.no_key == "pass") {
            report(subject, context, {{"encrypt", "none"}, {"why", keys.why}, {"without-key", keys.missing}});
            return {};
        }
        if (!keys.missing.empty())
            refuse(subject, keys.missing, keys.why);
        if (keys.fingerprints.empty()) {
            report(subject, context, {{"encrypt", "failed"}, {"why", keys.why}, {"without-key", keys.missing}});
            return {};
        }
        return encrypt(subject, context, message, recipients, keys);
    }

private:
    struct Keys {
        std::vector<std::string> fingerprints;
        std::string missing; ///< recipient numbers without a key: "1,3"
        std::string why;     ///< of the first of them
    };

    Keys find_keys(const std::vector<mail::Recipient>& recipients, cli::Context& context) const
    {
        Keys out;
        // real time, not SOURCE_DATE_EPOCH: gpg itself would refuse an expired key by the real clock
        const auto now = unix_seconds(Clock{}.now());
        for (const auto& recipient : recipients) {
            std::string why;
            const Key* key = pgp_->find(recipient.path, now, why);
            context.explain(recipient.number + " " + printable(recipient.path, 100) + ": " +
                            (key != nullptr ? "key " + key->fingerprint : why));
            if (key == nullptr) {
                out.missing += (out.missing.empty() ? "" : ",") + recipient.number;
                if (out.why.empty())
                    out.why = why;
            } else if (std::ranges::find(out.fingerprints, key->fingerprint) == out.fingerprints.end()) {
                out.fingerprints.push_back(key->fingerprint);
            }
        }
        return out;
    }

    void refuse(cli::Subject& subject, const std::string& numbers, const std::string& why) const
    {
        const bool defers = options_.no_key == "defer";
        subject.block.add_verdict({.action = defers ? mail::Action::defer : mail::Action::reject,
                                   .recipients = numbers,
                                   .code = defers ? 451 : 550,
                                   .enhanced = defers ? "4.7.1" : "5.7.1",
                                   .cls = defers ? "error" : "policy",
                                   .by = "mgw-crypt",
                                   .at = {},
                                   .text = "No usable key to encrypt to this recipient (" + why + ")"});
    }

    bool hides(const mail::Message& message, const std::vector<mail::Recipient>& recipients) const
    {
        if (options_.hide_recipients != "auto")
            return options_.hide_recipients == "always";
        std::vector<std::string> named;
        for (const char* name : {"To", "Cc"})
            for (const auto* field : message.find_all(name))
                for (const auto& mailbox : mail::parse_addresses(message.value(*field)))
                    named.push_back(to_lower(mailbox.address));
        std::ranges::sort(named);
        return std::ranges::any_of(recipients, [&](const auto& recipient) {
            return !std::ranges::binary_search(named, to_lower(recipient.path));
        });
    }

    Result<void> encrypt(cli::Subject& subject, cli::Context& context, const mail::Message& message,
                         const std::vector<mail::Recipient>& recipients, const Keys& keys)
    {
        auto armored = broker_->encrypt(inner_entity(message), keys.fingerprints, hides(message, recipients));
        if (!armored && armored.error().status == Status::refused) {
            // gpg knows better than the listing: one of the keys is of no use now
            refuse(subject, "*", "unusable");
            report(subject, context, {{"encrypt", "failed"}, {"why", "unusable"}});
            return {};
        }
        if (!armored)
            return pass(armored);
        wrap(message, *armored, context.random, subject.edits);
        std::string list;
        for (const auto& fingerprint : keys.fingerprints)
            list += (list.empty() ? "" : ",") + fingerprint;
        report(subject, context, {{"encrypt", "ok"}, {"encryption", "pgp-mime"}, {"keys", list}});
        return {};
    }
};

class Decrypt final : public Keyring {
public:
    using Keyring::Keyring;

    Result<void> process(cli::Subject& subject, cli::Context& context) override
    {
        if (accepted_recipients(subject.block).empty() && !subject.block.final_recipients().empty()) {
            report(subject, context, {{"decrypt", "none"}, {"why", "no-accepted-recipient"}});
            return {};
        }
        const mail::Message message(subject.message, context.limits);
        const Found found = find_encrypted(message, context.limits);
        Values values{{"decrypt", "none"}, {"encryption", std::string(encryption_name(found.kind))}};
        if (found.kind == Encrypted::no || found.kind == Encrypted::smime) {
            const std::string why = found.kind == Encrypted::smime ? "smime-not-supported" : found.why;
            if (!why.empty())
                values.emplace_back("why", why);
            report(subject, context, values);
            return {};
        }
        auto decrypted = broker_->decrypt(found.ciphertext, context.limits.message_octets);
        if (!decrypted && decrypted.error().status != Status::data)
            return pass(decrypted);
        Result<void> done;
        mail::Edits edits;
        if (!decrypted)
            done = pass(decrypted);
        else if (found.kind == Encrypted::pgp_mime)
            done = unwrap(message, decrypted->octets, context.limits, edits);
        else
            unwrap_text(message, decrypted->octets, edits);
        if (!done) {
            values[0].second = "failed";
            values.emplace_back("why", done.error().message);
            report(subject, context, values);
            return {};
        }
        for (const auto& splice : edits.splices())
            subject.edits.replace(splice.offset, splice.removed, splice.inserted);
        values[0].second = "ok";
        add_signature(values, decrypted->signatures, message);
        report(subject, context, values);
        return {};
    }

private:
    /// A good signature says who signed, not who sent: it is compared with the one mailbox of From.
    static void add_signature(Values& values, const std::vector<Signature>& signatures, const mail::Message& message)
    {
        if (signatures.empty()) {
            values.emplace_back("signature", "none");
            return;
        }
        // of several the worst counts
        const auto worst = std::ranges::find_if(signatures, [](const Signature& s) { return s.state != "good"; });
        const Signature& one = worst == signatures.end() ? signatures.front() : *worst;
        values.emplace_back("signature", one.state);
        values.emplace_back("signer-key", one.fingerprint);
        const auto fields = message.find_all("From");
        const auto from =
            fields.size() == 1 ? mail::parse_addresses(message.value(*fields[0])) : std::vector<mail::Mailbox>{};
        const bool is_from = from.size() == 1 && std::ranges::any_of(one.addresses, [&](const std::string& address) {
                                 return iequals(address, from[0].address);
                             });
        if (is_from)
            values.emplace_back("signer", from[0].address);
        else if (!one.addresses.empty())
            values.emplace_back("signer", one.addresses.front());
        values.emplace_back("signer-is-from", is_from && one.state == "good" ? "yes" : "no");
    }
};

} // namespace

Result<Status> run(cli::Tool& tool, const Options& options)
{
    if (options.command == Command::none)
        return fail(Status::usage, "a subcommand is missing", "mgw-crypt encrypt, or mgw-crypt decrypt");
    if (options.command == Command::decrypt) {
        Decrypt stage(options);
        return cli::run_stage(tool, options.decrypt_stage, stage);
    }
    Encrypt stage(options);
    // by hand, a message whose recipients have no key must not come out in clear
    cli::StageOptions closed = options.encrypt_stage;
    closed.exit_verdict = closed.exit_verdict || options.no_key != "pass";
    return cli::run_stage(tool, closed, stage);
}

} // namespace mgw::crypt
