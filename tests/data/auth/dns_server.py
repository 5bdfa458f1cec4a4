#!/usr/bin/env python3
"""dns_server.py PORTFILE: a small DNS server on 127.0.0.1 (UDP and TCP, one port of the kernel's choice, written to PORTFILE) that holds
the records of zone.db beside it and counts nothing, caches nothing, forwards nothing. Names that it does not have are NXDOMAIN."""
import os
import re
import select
import socket
import struct
import sys

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def rdata(kind, words, absolute):
    if kind == "A":
        return socket.inet_aton(words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind == "TXT":
        text = "".join(words).encode()
        return b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255] for i in range(0, len(text), 255))
    if kind == "MX":
        return struct.pack(">H", int(words[0])) + wire(absolute(words[1]))
    return wire(absolute(words[0]))


def load(path):
    records, failing, origin, ttl = {}, set(), "", 300
    for line in open(path):
        words = [w[1:-1] if w[0] == '"' else w for w in re.findall(r'"[^"]*"|[^\s;]+|;.*', line) if w[0] != ";"]
        if not words:
            continue

        def absolute(name):
            return (origin if name == "@" else name if name.endswith(".") else name + "." + origin).strip(".").lower()
        if words[0] == "$ORIGIN":
            origin = words[1].strip(".")
        elif words[0] == "$TTL":
            ttl = int(words[1])
        elif words[1] == "SERVFAIL":
            failing.add(absolute(words[0]))
        else:
            kind = words[1]
            records.setdefault(absolute(words[0]), []).append((TYPES[kind], ttl, rdata(kind, words[2:], absolute)))
    return records, failing


def answer(query, records, failing, room):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    name, (kind,) = ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])
    question = query[12:at + 5]
    found = [r for r in records.get(name, []) if r[0] == kind]
    known = any(n == name or n.endswith("." + name) for n in records)
    code = 2 if name in failing else 0 if known else 3
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", k, 1, t, len(d)) + d for k, t, d in found)
    cut = 12 + len(question) + len(body) > room
    flags = 0x8180 | code | (0x0200 if cut else 0)
    return query[:2] + struct.pack(">HHHHH", flags, 1, 0 if cut else len(found), 0, 0) + question + (b"" if cut else body)


def exactly(stream, count):
    octets = b""
    while len(octets) < count:
        more = stream.recv(count - len(octets))
        if not more:
            return None
        octets += more
    return octets


def main():
    records, failing = load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "zone.db"))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    tcp = socket.socket()
    tcp.bind(udp.getsockname())
    tcp.listen(50)
    with open(sys.argv[1] + ".new", "w") as f:
        f.write(str(udp.getsockname()[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    while True:
        for ready in select.select([udp, tcp], [], [])[0]:
            if ready is udp:
                query, peer = udp.recvfrom(4096)
                udp.sendto(answer(query, records, failing, 512), peer)
                continue
            stream, _ = tcp.accept()
            with stream:
                stream.settimeout(5)
                while (size := exactly(stream, 2)) is not None:
                    reply = answer(exactly(stream, struct.unpack(">H", size)[0]), records, failing, 65535)
                    stream.sendall(struct.pack(">H", len(reply)) + reply)


main()
