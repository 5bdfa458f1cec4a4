"""Frames as stages of a lane read and write them, and a stage and a sink for tests."""
import os, sys


def read_line(stream):
    line = stream.readline()
    if not line:
        return None
    if not line.endswith(b"\n"):
        sys.exit(75)
    return line[:-1]


def frames(stream):
    """(id, [(block, message)...]) until the end of input; a frame cut short ends the stage with 75."""
    while (head := read_line(stream)) is not None:
        _, ident, count = head.split(b" ")
        members = []
        for _ in range(int(count)):
            block, message = map(int, (read_line(stream) or sys.exit(75)).split(b" "))
            octets = stream.read(block + message)
            if len(octets) != block + message:
                sys.exit(75)
            members.append((octets[:block], octets[block:]))
        if read_line(stream) != b"END " + ident:
            sys.exit(75)
        yield ident, members


def frame(ident, members):
    out = b"MGW1 %s %d\n" % (ident, len(members))
    for block, message in members:
        out += b"%d %d\n" % (len(block), len(message)) + block + message
    return out + b"END %s\n" % ident


def options(**known):
    """--name=VALUE of `known` (with defaults); --input=frames and --check as all stages have them."""
    if "--check" in sys.argv: # the status stands in a file, so that a test can change it
        path = os.environ.get("MGW_TEST_CHECK", "/dev/null")
        sys.exit(int(open(path).read() or 0))
    for argument in sys.argv[1:]:
        name, _, value = argument.removeprefix("--").partition("=")
        name = name.replace("-", "_")
        if name in known:
            known[name] = type(known[name])(value)
    return known
