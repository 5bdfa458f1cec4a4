"""The measurements of smtp.sh: the two ends of the gateway beside Postfix, in one run."""
import os
import resource
import shutil
import smtplib
import socket
import subprocess
import sys
import time

from servers import cpu, gateway, postfix, receive, sink, source, tree, wait_for, work

MESSAGES = int(sys.argv[1])
QUEUED = int(sys.argv[2])
IDLE = int(sys.argv[3])
HOLD = "default_transport=discard:\nsmtpd_end_of_data_restrictions=check_client_access static:HOLD\n"
DEFER = "default_transport=smtp:[127.0.0.1]:10026\ndefer_transports=smtp\nminimal_backoff_time=1h\nsmtp_tls_security_level=none\n"


def receiving():
    print(f"receive, {MESSAGES} messages of 10 KB, safe on disk (smtp-sink keeps nothing)")
    for sessions in (1, 10, 50, 200):
        rates = {}
        with gateway() as (port, pid):
            rates["mgw"] = receive("mgw-recv | mgw-queue add", port, pid, sessions, MESSAGES)
        with postfix(HOLD) as (port, pid, _):
            rates["Postfix"] = receive("Postfix smtpd and queue (HOLD)", port, pid, sessions, MESSAGES, pause=1)
        with sink() as (port, pid):
            rates["sink"] = receive("smtp-sink", port, pid, sessions, MESSAGES)
        print(f"    mgw / Postfix {rates['mgw'] / rates['Postfix']:.2f}, mgw / smtp-sink {rates['mgw'] / rates['sink']:.2f}", flush=True)


def waiting(queue):
    return sum(len(files) for folder in ("maildrop", "incoming", "active", "deferred") for _, _, files in os.walk(os.path.join(queue, folder)))


def send_postfix():
    with postfix(DEFER) as (port, pid, queue):
        source(port, 20, QUEUED)
        etc = os.path.join(os.path.dirname(queue), "etc")
        subprocess.run(["postconf", "-c", etc, "-X", "defer_transports"], check=True)
        wait_for(lambda: waiting(queue) >= QUEUED and not any(os.listdir(os.path.join(queue, n)) for n in ("active", "incoming")), 300)
        subprocess.run(["postfix", "-c", etc, "reload"], check=True, stderr=subprocess.DEVNULL)
        before, begin = sum(cpu(pid).values()), time.monotonic()
        subprocess.run(["postqueue", "-c", etc, "-f"], check=True)
        wait_for(lambda: waiting(queue) == 0, 600)
        seconds = time.monotonic() - begin
        cost = (sum(cpu(pid).values()) - before) * 1000 / QUEUED
        print(f"{'Postfix qmgr and smtp':<44} {QUEUED / seconds:7.0f} msgs/s  {cost:6.2f} ms CPU", flush=True)
        return QUEUED / seconds


def send_mgw():
    spool = os.path.join(work, "send")
    with gateway(["mgw-route --relay [127.0.0.1]:10026"], spool="send") as (port, _):
        source(port, 20, QUEUED)
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(["mgw-queue", "run", "--once", "--spool", spool, "--send", "mgw-send --tls=none"], check=True)
    seconds = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000 / QUEUED
    left = subprocess.run(["mgw-queue", "list", "--spool", spool], capture_output=True, text=True, check=True).stdout.split("\n")[-2]
    if not left.startswith("0 messages"):
        sys.exit("not all was sent: " + left)
    print(f"{'mgw-queue run, mgw-send':<44} {QUEUED / seconds:7.0f} msgs/s  {cost:6.2f} ms CPU", flush=True)
    return QUEUED / seconds


def sending():
    print(f"send, {QUEUED} messages of 10 KB from the queue to smtp-sink")
    with sink():
        runs = [(send_mgw(), send_postfix()) for _ in range(3)]
    mgw, peer = (sorted(r[i] for r in runs)[1] for i in (0, 1))
    print(f"    mgw / Postfix {mgw / peer:.2f}", flush=True)


def resident(pid):
    """KB, of the largest process of the tree"""
    sizes = []
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/status") as f:
                sizes += [int(line.split()[1]) for line in f if line.startswith("VmRSS:")]
        except OSError:
            pass
    return max(sizes)


def idle():
    resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + 1000, max(IDLE + 1000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    with gateway() as (port, pid):
        with smtplib.SMTP("127.0.0.1", int(port)) as client:
            client.sendmail("a@example.net", ["b@example.org"], "Subject: s\r\n\r\nx\r\n")
        before, open_ones = resident(pid), []
        for i in range(IDLE):
            # one address has 28,000 ports at most: others of the loopback network help
            open_ones.append(socket.create_connection(("127.0.0.1", int(port)), source_address=(f"127.0.1.{i % 200 + 1}", 0)))
        for s in open_ones:
            if not s.recv(100).startswith(b"220"):
                sys.exit("a connection was refused")
        grown = resident(pid) - before
        burnt, begin = sum(cpu(pid).values()), time.monotonic()
        time.sleep(5)
        burnt = (sum(cpu(pid).values()) - burnt) / (time.monotonic() - begin)
        begin = time.monotonic()
        with smtplib.SMTP("127.0.0.1", int(port)) as client:
            client.sendmail("a@example.net", ["b@example.org"], "Subject: s\r\n\r\nx\r\n")
        print(f"{IDLE} idle connections: {grown / IDLE:.1f} KB each, {burnt * 100:.1f} % of a core; a new message is served in "
              f"{(time.monotonic() - begin) * 1000:.0f} ms", flush=True)


try:
    print(f"load {os.getloadavg()[0]:.1f}")
    receiving()
    sending()
    idle()
finally:
    shutil.rmtree(work, ignore_errors=True)
