# The inbound policy: what to do about what mgw-auth and mgw-scan measured.
# Test it with: mgw-filter --check inbound.sieve
require ["ereject", "vnd.mgw.result", "vnd.mgw.attachment", "vnd.mgw.verdict"];

# A virus is refused while the sender's server is still there to tell its user.
if result "mgw-scan" "virus" "infected" {
    ereject :class "virus" :enhanced "5.7.1" "The message contains a virus";
    stop;
}

# Programs, by what they are called or by what they are, in archives as well.
if anyof (
    attachment :matches ["*.exe", "*.scr", "*.com", "*.pif", "*.bat", "*.cmd", "*.msi", "*.cpl", "*.hta", "*.jar",
                         "*.js", "*.jse", "*.vbs", "*.vbe", "*.wsf", "*.wsh", "*.lnk", "*.ps1", "*.reg", "*.dll",
                         "*.iso", "*.img", "*.vhd", "*.vhdx"],
    result "mgw-scan" ["true", "member-true"]
        ["application/vnd.microsoft.portable-executable", "application/x-msdos-program", "application/x-executable",
         "application/x-mach-binary", "application/x-ms-shortcut", "application/vnd.ms-htmlhelp", "application/x-bat",
         "application/java-vm", "application/java-archive"]
) {
    ereject :class "content" :enhanced "5.7.1" "Executable attachments are not accepted here";
    stop;
}

# What the domain in From asks for when it did not send the message (DMARC).
if result "mgw-auth" "dmarc" "fail" {
    if result "mgw-auth" "policy" "reject" {
        ereject :class "auth" :enhanced "5.7.1" "The domain in From asks to refuse mail that it did not authenticate (DMARC)";
        stop;
    }
    if result "mgw-auth" "policy" "quarantine" {
        quarantine :class "auth" "The domain in From asks to hold mail that it did not authenticate (DMARC)";
    }
}

# Whatever was not looked at is held for a person, never passed in silence: that covers a scan that could not be
# done ("unscanned", with its reason in "why") and a pipeline without mgw-scan.
if not result "mgw-scan" "virus" "clean" {
    quarantine :class "content" "The message could not be scanned";
}

# So are archives with more files than were looked at: a program could be among the rest. (To hold every archive whose
# files cannot be named, such as rar and 7z, add "archive-unlisted".)
if result :contains "mgw-scan" "flags" ["archive-entries", "archive-depth", "archive-damaged", "names-cut"] {
    quarantine :class "content" "An archive in the message could not be looked through";
}

# A message that mail programs read in different ways was looked at in all of them above. What is held here is one in
# which they would see different files, on top of that: an attack, or a broken sender. About one or two of a hundred
# good messages are so, bounces and old mailing lists mostly; take the signs away where that is no hindrance.
#if result "mgw-scan" "ambiguity" "high" {
#    quarantine :class "content" "Mail programs would see different files in the message";
#}

# DNS trouble is ours, not the sender's: try again.
if result "mgw-auth" "dmarc" "temperror" {
    defer :class "auth" :enhanced "4.7.1" "The sender's DNS does not answer, please try again later";
}
