#!/usr/bin/env python3
"""A small scripted SMTP and LMTP server for tests. Prints its port (or socket) and serves until its standard input ends.

server.py [--mode MODE] [--out FOLDER] [--lmtp] [--unix PATH] [--cert PEM] [--smtps] [--address IP] [--port N] [--auth MECHANISMS] [--most RECIPIENTS]
            [--extension LINE...]
Recipients that begin with reject, defer, full get 550, 450, 552. Each message is written to FOLDER/N.eml, its
commands to FOLDER/N.env; FOLDER/connections counts connections.
"""
import argparse, base64, hashlib, hmac, os, socket, ssl, sys, threading, time

p = argparse.ArgumentParser()
p.add_argument("--mode", default="normal")
p.add_argument("--out")
p.add_argument("--lmtp", action="store_true")
p.add_argument("--unix")
p.add_argument("--cert")
p.add_argument("--smtps", action="store_true")
p.add_argument("--auth", help="user alice, password s3cret; under TLS only")
p.add_argument("--extension", action="append", default=[])
p.add_argument("--most", type=int, help="recipients of a transaction")
p.add_argument("--address", default="127.0.0.1")
p.add_argument("--port", type=int, default=0)
o = p.parse_args()
lock = threading.Lock()
count = {"messages": 0, "connections": 0, "resumed": 0}
if o.cert:
    tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls_context.load_cert_chain(o.cert)


class Session:
    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")
        self.commands = []
        self.rcpt = []
        self.mails = 0
        self.secure = False
        self.logins = []

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def line(self):
        raw = self.file.readline(100000)
        if not raw:
            raise EOFError
        return raw

    def start_tls(self):
        self.sock = tls_context.wrap_socket(self.sock, server_side=True)
        self.file = self.sock.makefile("rb")
        self.secure = True
        self.commands = ["(TLS)"]
        with lock:
            count["resumed"] += self.sock.session_reused
            if o.out:
                with open(os.path.join(o.out, "resumed"), "w") as f:
                    f.write("%d\n" % count["resumed"])

    def ask(self, challenge):
        self.say("334 " + base64.b64encode(challenge).decode())
        return base64.b64decode(self.line())

    def auth(self, mechanism, initial):
        initial = base64.b64decode(initial[0]) if initial else None
        if mechanism == "PLAIN":
            good = initial == b"\0alice\0s3cret"
        elif mechanism == "LOGIN":
            good = self.ask(b"Username:") == b"alice" and self.ask(b"Password:") == b"s3cret"
        else:
            good = self.scram(initial.decode())
        if good:
            self.logins.append("(login)")
        return good

    def scram(self, initial):
        bare = initial[3:]
        nonce = bare.split(",r=")[1] + "more"
        first = "r=%s,s=%s,i=4096" % (nonce, base64.b64encode(b"salt").decode())
        final = self.ask(first.encode()).decode()
        without, proof = final.rsplit(",p=", 1)
        message = ",".join((bare, first, without)).encode()
        mac = lambda key, text: hmac.new(key, text, "sha256").digest()
        salted = hashlib.pbkdf2_hmac("sha256", b"s3cret", b"salt", 4096)
        key = mac(salted, b"Client Key")
        want = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), message)))
        if base64.b64decode(proof) != want:
            return False
        signature = mac(mac(salted, b"Server Key") if o.mode != "fraud" else b"guess", message)
        return self.ask(b"v=" + base64.b64encode(signature)) == b""

    def hello(self, word):
        lines = ["test.example greets you", "SIZE %d" % {"small": 100, "big": 100000000}.get(o.mode, 1000000), "ENHANCEDSTATUSCODES", "DSN"]
        if o.mode != "seven-bit":
            lines.append("8BITMIME")
        if o.mode != "no-pipelining":
            lines.append("PIPELINING")
        if o.auth and self.secure:
            lines.append("AUTH " + o.auth)
        lines += o.extension
        if (o.cert or o.mode == "tls-garbage") and not self.secure:
            lines.append("STARTTLS")
        self.say("\r\n".join("250%s%s" % ("-" if i + 1 < len(lines) else " ", l) for i, l in enumerate(lines)))

    def data(self):
        lines = []
        while True:
            raw = self.line()
            if raw == b".\r\n":
                break
            lines.append(raw[1:] if raw.startswith(b".") else raw)
        return b"".join(lines)

    def keep(self, body):
        with lock:
            count["messages"] += 1
            n = count["messages"]
            if o.out:
                with open(os.path.join(o.out, "%d.eml" % n), "wb") as f:
                    f.write(body)
                with open(os.path.join(o.out, "%d.env" % n), "w") as f:
                    f.write("\n".join(self.commands) + "\n")
        return n

    def command(self, raw):
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        word = text.split(" ")[0].upper()
        self.commands.append(text)
        if word in ("EHLO", "LHLO"):
            if o.mode == "no-ehlo" and word == "EHLO":
                return self.say("500 5.5.1 what?")
            return self.hello(word)
        if word == "HELO":
            return self.say("250 test.example")
        if word == "STARTTLS":
            self.say("220 2.0.0 go")
            if o.mode == "tls-garbage":
                self.sock.recv(1)  # the client has begun its hand-shake
                self.sock.sendall(b"this is not TLS at all, and it never will be\r\n")
                raise EOFError
            return self.start_tls()
        if word == "AUTH":
            good = self.auth(text.split(" ")[1].upper(), text.split(" ")[2:])
            self.commands.append("(login)" if good else "(no login)")
            return self.say("235 2.7.0 welcome" if good else "535 5.7.8 no")
        if word == "MAIL":
            self.rcpt = []
            if o.auth and "(login)" not in self.logins:
                return self.say("530 5.7.0 log in first")
            if o.mode == "stale" and self.mails > 0:
                raise EOFError
            if o.mode == "no-sender":
                return self.say("550 5.7.1 we do not like you")
            return self.say("250 2.1.0 sender fine")
        if word == "RCPT":
            if "<reject" in text:
                return self.say("550 5.1.1 no such user\x07 here")
            if "<defer" in text:
                return self.say("450 4.2.0 busy")
            if "<full" in text:
                return self.say("552 5.5.3 too many recipients")
            if o.most and len(self.rcpt) >= o.most:
                return self.say("452 4.5.3 too many")
            self.rcpt.append(text)
            return self.say("250 2.1.5 recipient fine")
        if word == "BDAT":
            self.keep(self.file.read(int(text.split(" ")[1])))
            self.mails += 1
            self.commands = []
            return self.say("250 2.0.0 chunk")
        if word == "DATA":
            if not self.rcpt and o.mode != "data-anyway":
                return self.say("554 5.5.1 no valid recipients")
            if o.mode == "close-at-data":
                self.say("421 4.3.2 closing")
                raise EOFError
            self.say("354 go on")
            body = self.data()
            if not self.rcpt:
                return self.say("554 5.5.1 no valid recipients")
            if o.mode == "drop-after-dot":
                raise EOFError
            if o.mode == "content":
                return self.say("554 5.7.1 content refused")
            if o.mode == "slow":
                time.sleep(0.3)
            n = self.keep(body)
            self.mails += 1
            self.commands = []
            if not o.lmtp:
                return self.say("250 2.0.0 queued as %d" % n)
            for r in self.rcpt:
                self.say("550 5.2.2 mailbox full" if "<quota" in r else "250 2.1.5 stored")
            return
        if word == "QUIT":
            self.say("221 2.0.0 bye")
            raise EOFError
        self.say("250 2.0.0 fine" if word in ("RSET", "NOOP") else "500 5.5.1 unknown")

    def serve(self):
        if o.smtps:
            self.start_tls()
        if o.mode == "silent":
            time.sleep(30)
            return
        if o.mode == "endless":
            while True:
                self.sock.sendall(b"220-hello and welcome\r\n" * 50)
        if o.mode == "long-line":
            while True:
                self.sock.sendall(b"2" * 10000)
        if o.mode == "http":
            return self.say("HTTP/1.0 400 Bad Request")
        if o.mode == "greet-421":
            return self.say("421 4.3.2 busy, come back")
        if o.mode == "greet-554":
            return self.say("554 5.7.1 go away")
        self.say("220 test.example ESMTP")
        while True:
            self.command(self.line())


def handle(sock):
    with lock:
        count["connections"] += 1
        if o.out:
            with open(os.path.join(o.out, "connections"), "w") as f:
                f.write("%d\n" % count["connections"])
    try:
        Session(sock).serve()
    except (EOFError, OSError):
        pass
    finally:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


if o.unix:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(o.unix)
else:
    listener = socket.socket(socket.AF_INET6 if ":" in o.address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((o.address, o.port))
listener.listen(100)
print(o.unix or listener.getsockname()[1], flush=True)


def accept():
    while True:
        sock, peer = listener.accept()
        if o.out:
            with open(os.path.join(o.out, "peer"), "w") as f:
                f.write("%s\n" % (peer[0] if peer else "local"))
        threading.Thread(target=handle, args=(sock,), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
