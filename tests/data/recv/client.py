"""client.py PORT STEP...: a client that says exactly what it is told. Prints all that comes back.
STEP is octets to send (with \\r \\n \\0 and so on as in Python), or @N: read replies until N final lines have come in all, @close: half-close,
@sleep=S, @tls: start TLS, @eof: read to the end, @drip=OCTETS: one octet every 0.2 s until the server says something."""
import select, socket, ssl, sys, time

s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=15)
got = b""


def final_lines():
    return sum(1 for line in got.split(b"\r\n") if line[3:4] == b" ")


def read():
    global got
    try:
        piece = s.recv(65536)
    except ConnectionResetError:
        piece = b""
    got += piece
    return piece


for step in sys.argv[2:]:
    if step == "@eof":
        while read():
            pass
    elif step == "@close":
        s.shutdown(socket.SHUT_WR)
    elif step == "@tls":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        s = context.wrap_socket(s)
    elif step.startswith("@sleep="):
        time.sleep(float(step[7:]))
    elif step.startswith("@drip="):
        for octet in step[6:].encode().decode("unicode_escape").encode("latin1") * 1000:
            if select.select([s], [], [], 0.2)[0]:
                break
            s.sendall(bytes([octet]))
    elif step.startswith("@"):
        while final_lines() < int(step[1:]) and read():
            pass
    else:
        s.sendall(step.encode().decode("unicode_escape").encode("latin1"))
sys.stdout.write(got.decode("latin1").replace("\r\n", "\n"))
