"""slow_dns.py PORTFILE SECONDS: a DNS server on 127.0.0.1 (UDP) that knows no name and says so after that time, to many at once."""
import os, select, socket, struct, sys, time

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(udp.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
waiting = []
while True:
    if select.select([udp], [], [], max(0, waiting[0][0] - time.monotonic()) if waiting else None)[0]:
        query, peer = udp.recvfrom(4096)
        waiting.append((time.monotonic() + float(sys.argv[2]), query, peer))
    while waiting and waiting[0][0] <= time.monotonic():
        _, query, peer = waiting.pop(0)
        end = query.index(b"\0", 12) + 5
        udp.sendto(query[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + query[12:end], peer)
