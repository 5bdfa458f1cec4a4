"""The measurements of pipeline.sh. Everything listens on loopback and lives in one temporary folder."""
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

MESSAGES = int(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(os.environ["MGW_BUILD"], "bin")
HERE = os.path.join(ROOT, "share/pipelines")
TICK = os.sysconf("SC_CLK_TCK")
os.environ["PATH"] = BIN + ":" + os.environ["PATH"]
work = tempfile.mkdtemp(prefix="mgw-bench.")
os.chmod(work, 0o755)
os.environ["XDG_STATE_HOME"] = os.path.join(work, "state")


def tree(pid):
    """pid and all that descend from it"""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as f:
                    rest = f.read().rsplit(")", 1)[1].split()
                children.setdefault(int(rest[1]), []).append(int(entry))
            except OSError:
                pass
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        todo += children.get(p, [])
    return out


def cpu(pid):
    """CPU seconds by program name over a process tree, children that ended included"""
    out = {}
    for p in tree(pid):
        try:
            with open(f"/proc/{p}/stat") as f:
                text = f.read()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        fields = text.rsplit(")", 1)[1].split()
        out[name] = out.get(name, 0) + sum(map(int, fields[11:15])) / TICK
    return out


def source(port, sessions, count):
    begin = time.monotonic()
    subprocess.run(["smtp-source", "-s", str(sessions), "-m", str(count), "-l", "10240", "-f", "alice@example.net",
                    "-t", "bob@example.org", f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            sys.exit("a server did not start")
        time.sleep(0.02)


def gateway(label, stages, options, sessions, count):
    spool, port_file = os.path.join(work, "spool"), os.path.join(work, "port")
    shutil.rmtree(spool, ignore_errors=True)
    if os.path.exists(port_file):
        os.unlink(port_file)
    pipeline = " | ".join(stages + [f"mgw-queue add --spool {spool}"])
    server = subprocess.Popen(["mgw-recv", "--listen", "127.0.0.1:0", "--port-file", port_file, "--connections-per-ip", "500",
                               "--pipeline", pipeline] + options, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.path.exists(port_file) and os.path.getsize(port_file))
        port = open(port_file).read().split()[0]
        source(port, sessions, min(50, count))
        rates, costs = [], []
        for _ in range(3):
            before = cpu(server.pid)
            seconds = source(port, sessions, count)
            after = cpu(server.pid)
            rates.append(count / seconds)
            costs.append({n: (after[n] - before.get(n, 0)) * 1000 / count for n in after})
        rates.sort()
        cost = {n: sorted(c.get(n, 0) for c in costs)[1] for n in costs[0]}
        parts = ", ".join(f"{n} {ms:.2f}" for n, ms in sorted(cost.items(), key=lambda x: -x[1]))
        print(f"{label:<44} s={sessions:<3} {rates[1]:7.0f} msgs/s  {sum(cost.values()):6.2f} ms CPU: {parts}", flush=True)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def postfix(label, settings, sessions, count):
    base = os.path.join(work, "postfix")
    etc, queue, data = (os.path.join(base, n) for n in ("etc", "queue", "data"))
    for folder in (etc, queue, data):
        os.makedirs(folder, exist_ok=True)
    port = 10025
    shutil.chown(data, "postfix")
    with open(os.path.join(etc, "main.cf"), "w") as f:
        f.write(f"compatibility_level=3.6\nqueue_directory={queue}\ndata_directory={data}\ncommand_directory=/usr/sbin\n"
                "daemon_directory=/usr/lib/postfix/sbin\nmail_owner=postfix\nsetgid_group=postdrop\ninet_interfaces=127.0.0.1\n"
                "inet_protocols=ipv4\nmyhostname=bench.invalid\nmydestination=\nlocal_transport=discard:\ndefault_transport=discard:\n"
                "mynetworks=127.0.0.0/8\nmaillog_file=" + os.path.join(work, "postfix.log") + "\nmaillog_file_prefixes=" + work +
                "\nalias_maps=\nsmtpd_peername_lookup=no\n" + settings)
    services = [f"127.0.0.1:{port} inet n - n - - smtpd", "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup",
                "qmgr unix n - n 300 1 qmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
                "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "discard unix - - n - - discard",
                "anvil unix - - n - 1 anvil", "postlog unix-dgram n - n - 1 postlogd", "proxymap unix - - n - - proxymap"]
    with open(os.path.join(etc, "master.cf"), "w") as f:
        f.write("\n".join(services) + "\n")
    subprocess.run(["postfix", "-c", etc, "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        pid_file = os.path.join(queue, "pid/master.pid")
        wait_for(lambda: os.path.exists(pid_file))
        master = int(open(pid_file).read())
        source(port, sessions, min(50, count))
        rates, costs = [], []
        for _ in range(3):
            before = sum(cpu(master).values())
            seconds = source(port, sessions, count)
            costs.append((sum(cpu(master).values()) - before) * 1000 / count)
            rates.append(count / seconds)
            time.sleep(2)
        print(f"{label:<44} s={sessions:<3} {sorted(rates)[1]:7.0f} msgs/s  {sorted(costs)[1]:6.2f} ms CPU", flush=True)
    finally:
        subprocess.run(["postfix", "-c", etc, "stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_up():
    """user+sys of one process on one small message, median of 40"""
    signed = os.path.join(HERE, "quickstart/clean.eml")
    plain = os.path.join(work, "plain.eml")
    with open(plain, "w") as f:
        f.write("From: alice@example.net\nTo: bob@example.org\nSubject: plain\n\nhello\n")
    zone = os.path.join(HERE, "quickstart/zone.db")
    rc = os.path.join(work, "procmailrc")
    with open(rc, "w") as f:
        f.write(":0\n* ^Subject: never\n/dev/null\n\n:0\n/dev/null\n")
    delivering = os.path.join(work, "procmailrc-maildir")
    with open(delivering, "w") as f:
        f.write(f":0\n* ^Subject: never\n/dev/null\n\n:0\n{work}/PM/\n")
    mf = os.path.join(work, "mailfilter")
    with open(mf, "w") as f:
        f.write("if (/^Subject: never/)\n{\n    EXIT\n}\nto \"/dev/null\"\n")
    os.chmod(mf, 0o600)
    gnupg = os.path.join(work, "g")
    os.makedirs(gnupg, mode=0o700, exist_ok=True)
    spool, archive = os.path.join(work, "spool1"), os.path.join(work, "archive")
    commands = {
        "true": ["true"], "procmail, 1 rule, to /dev/null": ["procmail", "-m", rc], "procmail, 1 rule, to a Maildir": ["procmail", "-m", delivering], "maildrop, 1 rule": ["maildrop", mf],
        "mgw-filter inbound.sieve": ["mgw-filter", os.path.join(HERE, "inbound.sieve")],
        "mgw-auth (zone), two signatures": ["mgw-auth", "--dns-zone", zone, "--client-ip=192.0.2.7", "--from=alice@example.net"],
        "mgw-auth (zone), unsigned message": ["mgw-auth", "--dns-zone", zone, "--client-ip=192.0.2.7", "--from=alice@example.net"],
        "mgw-route": ["mgw-route", "--relay=[192.0.2.25]:25", "--to=bob@example.org"],
        "mgw-scan (small database)": ["mgw-scan", "--database", os.path.join(ROOT, "share/clamav")],
        "mgw-crypt decrypt": ["mgw-crypt", "decrypt", "--homedir", gnupg],
        "mgw-recv --stdin": ["mgw-recv", "--stdin", "--to=bob@example.org"],
        "mgw-queue add": ["mgw-queue", "add", "--spool", spool, "--from=a@example.net", "--to=b@example.org"],
        "mgw-send to a Maildir": ["mgw-send", "--maildir", os.path.join(work, "Maildir"), "--from=a@example.net", "--to=b@example.org"],
        "mgw-archive add": ["mgw-archive", "add", "--archive", archive],
        "mgw-monitor report": ["mgw-monitor", "report", os.path.join(ROOT, "tests/data/docs/records.json")],
    }
    print("\nstart-up: CPU of one process with one message, ms, median of 40")
    for label, argv in commands.items():
        if not shutil.which(argv[0]):
            continue
        costs = []
        for _ in range(41):
            with open(plain if "unsigned" in label else signed, "rb") as stdin:
                pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=[
                    (os.POSIX_SPAWN_DUP2, stdin.fileno(), 0), (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
                _, status, usage = os.wait4(pid, 0)
            costs.append((usage.ru_utime + usage.ru_stime) * 1000)
        costs = sorted(costs[1:])
        print(f"{label:<44} {costs[20]:6.2f} (least {costs[0]:.2f}), status {os.waitstatus_to_exitcode(status)}", flush=True)


AUTH = f"mgw-auth --authserv-id mx.example.org --dns-zone {HERE}/quickstart/zone.db"
SCAN = f"mgw-scan --database {ROOT}/share/clamav"
KEEP = os.path.join(work, "keep.sieve")
with open(KEEP, "w") as f:
    f.write('require ["vnd.mgw.result", "ereject"];\nif result "mgw-auth" "dmarc" "fail" { ereject "refused"; }\n')
FILTER = f"mgw-filter {KEEP}"
ROUTE = "mgw-route --relay [192.0.2.25]:25"
try:
    print(f"{MESSAGES} messages of 10 KB by smtp-source, median of 3; load {os.getloadavg()[0]:.1f}")
    for sessions in (1, 10, 50):
        gateway("lane: auth|filter|route|queue", [AUTH, FILTER, ROUTE], [], sessions, MESSAGES)
        gateway("lane: auth|scan|filter|route|queue", [AUTH, SCAN, FILTER, ROUTE], [], sessions, MESSAGES)
        gateway("lane: queue alone", [], [], sessions, MESSAGES)
        if os.geteuid() == 0:
            postfix("Postfix smtpd to queue, kept (HOLD)", "smtpd_end_of_data_restrictions=check_client_access static:HOLD\n", sessions, MESSAGES)
            postfix("Postfix smtpd, queue, delivery to discard", "", sessions, MESSAGES)
    gateway("--per-message: auth|filter|route|queue", [AUTH, FILTER, ROUTE], ["--per-message"], 10, max(100, MESSAGES // 10))
    start_up()
finally:
    shutil.rmtree(work, ignore_errors=True)
