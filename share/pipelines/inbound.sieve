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
    result "mgw-scan" "true" ["application/x-dosexec", "application/vnd.microsoft.portable-executable",
                              "application/x-msdownload", "application/x-executable", "application/x-ms-shortcut"]
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

# DNS trouble is ours, not the sender's: try again.
if result "mgw-auth" "dmarc" "temperror" {
    defer :class "auth" :enhanced "4.7.1" "The sender's DNS does not answer, please try again later";
}
