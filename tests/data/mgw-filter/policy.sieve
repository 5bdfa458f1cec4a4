require ["envelope", "ereject", "fileinto", "subaddress"];

if header :contains "list-id" "<dev.example.org>" {
    fileinto "Lists/dev";
    stop;
}
if allof (
    envelope "to" "carol@example.org",
    header :matches "subject" "*lottery*"
) {
    ereject "Carol does not play";
}
