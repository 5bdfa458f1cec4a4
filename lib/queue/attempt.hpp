#pragma once

#include "lib/core/random.hpp"
#include "lib/queue/dsn.hpp"
#include "lib/queue/entry.hpp"
#include "lib/queue/schedule.hpp"
#include "lib/queue/store.hpp"

#include <deque>
#include <string>
#include <vector>

namespace mgw::queue
{

/// One delivery attempt of a message: what the sender reads, and who its recipients are.
struct Attempt {
    Id id = 0;
    std::string mgw_id;
    std::vector<std::string> numbers;  ///< the numbers in the stored block of the recipients 1, 2, … of the frame
    std::vector<mail::Answer> answers; ///< by the stored block's numbers
};

/// A fresh frame of the recipients that still wait: same Mgw-Id, client and sender, recipients renumbered from 1, their
/// hops. A hop "error:5.1.1 text" is answered here. The frame has no member when nobody is left to send to.
mail::Frame make_frame(const Entry& entry, Stored stored, Attempt& attempt);

/// Takes one answer line of the sender into the attempt.
void take_answer(Attempt& attempt, const mail::Answer& answer);

/// What an attempt's answers become: DONE, TRY and BOUNCED records and the notice, one group. A recipient without an
/// answer is deferred. `octets` holds the notice's text as long as the group lives.
struct Outcome {
    Group group;
    std::deque<std::string> octets;
    std::vector<mail::Answer> results; ///< for the record of the message
};
Result<Outcome> conclude(const Entry& entry, const Stored& stored, const Attempt& attempt, const Schedule& schedule,
                         const DsnOptions& dsn, Time now, Random& random);

} // namespace mgw::queue
