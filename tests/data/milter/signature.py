"""signature.py sign|verify SELECTOR KEY-OR-ZONE < message: a DKIM signature by another program than ours; canonicalization simple/simple."""
import re, sys
import dkim

what, selector, path = sys.argv[1:]
message = sys.stdin.buffer.read()
if what == "sign":
    fields = dkim.sign(message, selector.encode(), b"example.net", open(path, "rb").read(), canonicalize=(b"simple", b"simple"))
    sys.stdout.buffer.write(fields + message)
    sys.exit(0)
line = next(line for line in open(path).read().split("\n") if line.startswith(selector + "._domainkey"))
record = "".join(re.findall('"([^"]*)"', line))
sys.exit(0 if dkim.verify(message, dnsfunc=lambda name, timeout=5: record.encode()) else 1)
