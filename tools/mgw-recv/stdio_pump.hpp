#pragma once

#include "lib/core/fd.hpp"
#include "lib/core/result.hpp"

namespace mgw::recv
{

/// Connects standard input and output with a session: gives the session's socket. Where standard input is a socket
/// (inetd) it is that; else a process of its own copies between the two. `done` becomes readable (end of file) when
/// that process has ended.
struct StdioSocket {
    Fd socket;
    Fd done;
};
Result<StdioSocket> connect_stdio();

} // namespace mgw::recv
