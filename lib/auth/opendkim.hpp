#pragma once

#include "lib/core/handle.hpp"
#include "lib/mail/message.hpp"

// What the files that use libopendkim share. <stdbool.h>'s _Bool is not C++.
extern "C" {
#include <sys/param.h>
#include <sys/types.h>
#define _Bool bool
#include <opendkim/dkim.h>
#undef _Bool
}

namespace mgw::auth
{

inline void free_dkim(DKIM* dkim) noexcept
{
    static_cast<void>(dkim_free(dkim));
}
using DkimLibrary = Handle<DKIM_LIB, dkim_close>;
using DkimHandle = Handle<DKIM, free_dkim>;

/// Starts the library, without OpenSSL's configuration file: results must not depend on it, and reading it costs time.
DkimLibrary open_library();

/// Sets one option of the library.
template <class T> bool set_option(DKIM_LIB* library, dkim_opts_t option, T& value)
{
    return dkim_options(library, DKIM_OP_SETOPT, option, &value, sizeof value) == DKIM_STAT_OK;
}

inline u_char* dkim_octets(const char* text)
{
    return reinterpret_cast<u_char*>(const_cast<char*>(text));
}

/// Gives one header field to `dkim`, its line ends as CRLF and without the last one.
DKIM_STAT feed_field(DKIM* dkim, std::string_view field);

/// Gives the body to `dkim`, each bare LF as CRLF: what a message stored with LF was and will be in transport. Bare CRs
/// stay, unlike with the library's own FIXCRLF.
DKIM_STAT feed_body(DKIM* dkim, std::string_view body);

} // namespace mgw::auth
