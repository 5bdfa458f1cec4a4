#pragma once

#include "lib/core/clock.hpp"
#include "lib/core/random.hpp"
#include "lib/mail/frame.hpp"
#include "lib/queue/dsn.hpp"
#include "lib/queue/entry.hpp"

#include <string>
#include <vector>

namespace mgw::queue
{

/// What happens over SMTP, where one reply serves all recipients, when some are accepted and some refused.
enum class Mixed : char { quarantine, defer };

/// What a sink does with a transaction: the messages to keep and the answers that go with them. Nothing is kept that is
/// not answered 2xx.
struct Admission {
    std::vector<mail::Answer> answers; ///< one for each final recipient of the first member
    std::vector<Stored> keep;          ///< one group; message empty, `member` tells whose octets
    std::vector<std::size_t> members;  ///< for each of `keep` the member whose octets it is
    std::vector<mail::Answer> bounces; ///< refused recipients whose sender must be told by a notice, because what they
                                       ///< were made of was accepted, or others were and the sender has logged in
};

/// Decides by the verdicts (mgw(7)): accept is queued, quarantine and the refused of a mixed transaction go to
/// quarantine, discard is answered 2xx and kept nowhere, defer and reject are 4xx and 5xx. With proto=LMTP each
/// recipient has an answer of its own, else one deferred recipient defers all. Members that a stage created count only
/// when the recipients that they are `for=` get 2xx.
Admission admit(const mail::Frame& frame, Mixed mixed);

/// All answers 4xx or 5xx: what a failed commit, a passed deadline or a full disk makes of an admission.
std::vector<mail::Answer> answer_all(const mail::Block& block, int code, const std::string& enhanced,
                                     const std::string& text);

/// The group of records of an admission, the notices included. `octets` keeps the notices' text and must live as long
/// as the group.
Result<std::vector<Stored>> notices(const mail::Frame& frame, const Admission& admission, const DsnOptions& options,
                                    Time now, Random& random);

} // namespace mgw::queue
