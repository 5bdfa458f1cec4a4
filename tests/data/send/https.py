#!/usr/bin/env python3
"""A small HTTPS server of one text for tests. Prints its port and serves until its standard input ends.

https.py --cert PEM --file FILE [--status N] [--type TYPE] [--redirect URL] [--out FOLDER]
FOLDER/fetches counts requests; the path of the last one is in FOLDER/path.
"""
import argparse, http.server, os, ssl, sys, threading

p = argparse.ArgumentParser()
p.add_argument("--cert", required=True)
p.add_argument("--file", required=True)
p.add_argument("--status", type=int, default=200)
p.add_argument("--type", default="text/plain")
p.add_argument("--redirect")
p.add_argument("--out", required=True)
o = p.parse_args()
fetches = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global fetches
        fetches += 1
        with open(os.path.join(o.out, "fetches"), "w") as f:
            f.write("%d\n" % fetches)
        with open(os.path.join(o.out, "path"), "w") as f:
            f.write(self.headers["Host"] + " " + self.path + "\n")
        with open(o.file, "rb") as f:
            body = f.read()
        self.send_response(302 if o.redirect else o.status)
        if o.redirect:
            self.send_header("Location", o.redirect)
        self.send_header("Content-Type", o.type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(o.cert)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
