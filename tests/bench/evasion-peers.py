#!/usr/bin/env python3
"""evasion-peers.py DIR: how many of the hidden payloads common MIME parsers find, the measure for our own score.

DIR holds messages with an X-Payload-Id field (github.com/noxxi/mime-is-broken); they are read as they travel, with CRLF. A
payload counts as found when one part, decoded, is exactly its octets. Messages that hide a file's name instead count apart:
found when a part is called file.zip. Prints a line for each parser and one for any of them, by the validity that the field
gives (3 correct to 0 broken).

MGW_BUILD names the build (default: build); it must have bin/part-trees."""
import email
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

PAYLOAD = "2c7a24e14b230cfb2a57d7a01e285747f3db143a8092e19486b198028478b6af"  # SHA-256 of the 186 octets that every message carries
FILE_NAME = "file.zip"
READERS = ["mimetic", "mimetic-stream", "gmime", "cpython"]
root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
part_trees = os.path.join(os.environ.get("MGW_BUILD", os.path.join(root, "build")), "bin", "part-trees")


def messages(folder):
    """(kind, validity, octets with CRLF) of each message with a payload."""
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            with open(os.path.join(path, name), "rb") as f:
                octets = re.sub(rb"\r?\n", b"\r\n", f.read())
            field = re.search(rb"^X-Payload-Id: (.*) valid\((\d)\)", octets, re.M)
            if field:
                yield ("name" if field[1].startswith(b"fname-") else "content"), int(field[2]), octets


def cpython(octets):
    """The parts' SHA-256 and names as Python's email package reads them."""
    for part in email.message_from_bytes(octets).walk():
        try:
            name = part.get_filename()
        except Exception:  # it raises many kinds on broken parameters; a name not read is a name not found
            name = None
        content = None if part.is_multipart() else part.get_payload(decode=True)
        yield hashlib.sha256(content or b"").hexdigest(), [name]


def found(kind, parts):
    if kind == "content":
        return any(digest == PAYLOAD for digest, names in parts)
    return any(FILE_NAME in names for digest, names in parts)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: evasion-peers.py DIR")
    cases = list(messages(sys.argv[1]))
    hits = {reader: set() for reader in READERS}
    with tempfile.TemporaryDirectory(prefix="mgw-peers.") as tmp:
        files = [os.path.join(tmp, str(i)) for i in range(len(cases))]
        for (kind, valid, octets), file in zip(cases, files):
            with open(file, "wb") as f:
                f.write(octets)
        for reader in READERS[:-1]:
            out = subprocess.run([part_trees, reader] + files, capture_output=True, check=True).stdout
            for i, line in enumerate(out.splitlines()):
                tree = json.loads(line)
                if "died" in tree:
                    print(f"{reader} died of a message", file=sys.stderr)
                elif found(cases[i][0], [(p.get("sha256"), p["names"]) for p in tree["parts"]]):
                    hits[reader].add(i)
    hits["cpython"] = {i for i, (kind, valid, octets) in enumerate(cases) if found(kind, cpython(octets))}
    hits["any of the four"] = set().union(*hits.values())
    for kind in ("content", "name"):
        total = [[i for i, case in enumerate(cases) if case[0] == kind and case[1] == v] for v in (3, 2, 1, 0)]
        print(f"{'hidden ' + kind:18} {'all':>9}  " + "  ".join(f"  valid {v}" for v in (3, 2, 1, 0)))
        for reader, hit in hits.items():
            counts = [(len(hit & set(t)), len(t)) for t in [sum(total, [])] + total]
            print(f"{reader:18} " + "  ".join(f"{a:>4}/{n:<4}" for a, n in counts))


main()
