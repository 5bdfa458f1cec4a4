#pragma once

#include <string>

namespace mgw::smtp
{

/// What became of one recipient. Code 0: nothing yet, another host may be tried.
struct Outcome {
    int code = 0;
    std::string enhanced;
    std::string text;     ///< printable ASCII
    std::string stage;    ///< what the server was asked: "RCPT TO"; empty when the server has no part in it
    bool of_host = false; ///< this host cannot do what the mail needs: another one may
};

} // namespace mgw::smtp
