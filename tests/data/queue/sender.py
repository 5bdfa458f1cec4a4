#!/usr/bin/python3
"""A stand-in for mgw-send: reads frames, appends the messages to a file, answers by the local part of each recipient.

defer@ gets 451, nobody@ gets 550, all others 250. --die-after N ends the program, unanswered, when N frames have come.
--slow SECONDS waits before each answer.
"""
import argparse
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--out", required=True)
parser.add_argument("--input")
parser.add_argument("--die-after", type=int, default=-1)
parser.add_argument("--slow", type=float, default=0)
options = parser.parse_args()

stream = sys.stdin.buffer
sys.stdout.write("MGW1 sink\n")
sys.stdout.flush()
count = 0
while True:
    head = stream.readline()
    if not head:
        break
    word, ident, members = head.split()
    assert word == b"MGW1", head
    blocks = []
    for _ in range(int(members)):
        block_octets, message_octets = map(int, stream.readline().split())
        block = stream.read(block_octets)
        blocks.append((block, stream.read(message_octets)))
    assert stream.readline() == b"END " + ident + b"\n"
    count += 1
    if count == options.die_after:
        sys.exit(1)
    time.sleep(options.slow)
    with open(options.out, "ab") as out:
        for block, message in blocks:
            out.write(b"== " + ident + b"\n" + block + message)
    for line in blocks[0][0].decode().splitlines():
        if line.startswith("Mgw-To: "):
            number, path = line[8:].split()[:2]
            local = path.strip("<>").split("@")[0]
            answer = {"defer": "451 4.4.1 not now", "nobody": "550 5.1.1 no such user"}.get(local, "250 2.0.0 taken")
            sys.stdout.write(f"{ident.decode()} {number} {answer}\n")
    sys.stdout.write(f"{ident.decode()} done\n")
    sys.stdout.flush()
