#pragma once

#include "lib/core/limits.hpp"
#include "lib/mail/message.hpp"
#include "lib/mail/parts.hpp"
#include "lib/scan/engine.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace mgw::scan
{

/// One call of the engine, for --explain.
struct Scanned {
    std::string what; ///< "message", "part 1.2"
    std::size_t octets = 0;
    std::chrono::microseconds time{0};
    bool seen_before = false; ///< the same octets were unpacked and scanned as a part of the message already
    Answer answer;
};

/// A part that is of interest to a policy: it has a file name, or is neither text nor multipart.
struct Attachment {
    std::string path;               ///< "1.2"; of a reading that is not the strict one the octets: "120-480"
    std::string reading;            ///< "lenient" or "raw"; empty for the strict one
    std::vector<std::string> names; ///< UTF-8; empty strings never
    std::string declared;           ///< "application/pdf"
    std::string actual;             ///< true type
    std::size_t octets = 0;         ///< decoded
    struct Member {
        std::string name, actual;
    };
    std::vector<Member> members; ///< of an archive
};

/// What was measured of one message.
struct Report {
    Outcome outcome = Outcome::clean;
    std::string virus;
    std::string virus_reading; ///< as Attachment::reading
    std::string why;
    std::size_t parts = 0;
    std::size_t more_contents = 0; ///< that only readings other than the strict one see
    std::string ambiguity; ///< names of the oddities that make readings differ, "no-boundary,nul"; empty if none
    /// Those readings differ in files: a name, or octets that another one decodes otherwise or not at all. Without that
    /// they differ in what text shows, mostly by accident.
    bool hides_files = false;
    std::vector<Scanned> scans;
    std::vector<Attachment> attachments;
    std::vector<std::string> flags; ///< oddities of the message, its parts and archives; sorted, each once
};

struct ScanOptions {
    std::chrono::milliseconds time{20000}; ///< for one message, all calls together
    std::size_t members = 1000;            ///< how many members of archives a report names
    bool attachments = true;
};

/// Scans the whole message and each decoded part that the engine did not unpack itself in the same form, and looks at
/// what the parts are; where the message is ambiguous, at everything else that some program may see in it as well.
/// `engine` may be null: then the outcome is unscanned, "no-database", and the rest is as ever. An
/// infection anywhere wins; else the first reason for not having scanned something is the result.
Report scan_message(const mail::Message& message, const Engine* engine, const ScanOptions& options,
                    const Limits& limits);

} // namespace mgw::scan
