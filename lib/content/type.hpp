#pragma once

#include <string_view>

namespace mgw::content
{

/// What octets really are, by their own signs and not by what a sender declares: an IANA media type where there is one
/// ("application/pdf", "application/vnd.microsoft.portable-executable"), else the customary x- name. "text/plain" for
/// UTF-8 or ASCII text without a better name, "application/octet-stream" for the rest, "inode/x-empty" for nothing.
/// Linear, looks at the first 64 KB and (zip, OLE) at names further on. The result lives for ever.
std::string_view true_type(std::string_view octets);

/// Something that a person can start: programs of any system, scripts, shortcuts, installers.
bool is_executable_type(std::string_view type);
/// A container whose members list_members() can name.
bool is_listed_archive(std::string_view type);
/// A container of files whose members cannot be named here.
bool is_opaque_archive(std::string_view type);
/// A document that may hold macros (OLE, OOXML) and does.
bool has_macros(std::string_view octets, std::string_view type);

/// Whether a declared type and the true one contradict each other in a way that deceives: a picture that is a program,
/// a text that is an archive. Types that declare nothing (application/octet-stream) never do.
bool contradicts(std::string_view declared, std::string_view actual);

} // namespace mgw::content
