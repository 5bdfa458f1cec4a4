"""What the measurements of servers share: a folder of their own, mgw-recv and Postfix on loopback, CPU by program."""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

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


@contextlib.contextmanager
def gateway(stages=(), options=(), spool="spool"):
    """mgw-recv with a lane that ends in mgw-queue add: its port and pid"""
    spool, port_file = os.path.join(work, spool), os.path.join(work, "port")
    shutil.rmtree(spool, ignore_errors=True)
    if os.path.exists(port_file):
        os.unlink(port_file)
    pipeline = " | ".join([*stages, f"mgw-queue add --spool {spool}"])
    server = subprocess.Popen(["mgw-recv", "--listen", "127.0.0.1:0", "--port-file", port_file, "--connections-per-ip", "20000",
                               "--connections", "20000", "--pipeline", pipeline, *options], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: os.path.exists(port_file) and os.path.getsize(port_file))
        with open(port_file) as f:
            yield f.read().split()[0], server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


@contextlib.contextmanager
def postfix(settings):
    """A Postfix of its own, which needs root: its port, the pid of its master, and its queue"""
    base = os.path.join(work, "postfix")
    shutil.rmtree(base, ignore_errors=True)
    etc, queue, data = (os.path.join(base, n) for n in ("etc", "queue", "data"))
    for folder in (etc, queue, data):
        os.makedirs(folder)
    port = 10025
    shutil.chown(data, "postfix")
    with open(os.path.join(etc, "main.cf"), "w") as f:
        f.write(f"compatibility_level=3.6\nqueue_directory={queue}\ndata_directory={data}\ncommand_directory=/usr/sbin\n"
                "daemon_directory=/usr/lib/postfix/sbin\nmail_owner=postfix\nsetgid_group=postdrop\ninet_interfaces=127.0.0.1\n"
                "inet_protocols=ipv4\nmyhostname=bench.invalid\nmydestination=\nlocal_transport=discard:\n"
                "mynetworks=127.0.0.0/8\nmaillog_file=" + os.path.join(work, "postfix.log") + "\nmaillog_file_prefixes=" + work +
                "\nalias_maps=\nsmtpd_peername_lookup=no\ndefault_process_limit=200\n" + settings)
    services = [f"127.0.0.1:{port} inet n - n - - smtpd", "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup",
                "qmgr unix n - n 300 1 qmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
                "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "discard unix - - n - - discard",
                "smtp unix - - n - - smtp", "error unix - - n - - error", "retry unix - - n - - error",
                "anvil unix - - n - 1 anvil", "postlog unix-dgram n - n - 1 postlogd", "proxymap unix - - n - - proxymap"]
    with open(os.path.join(etc, "master.cf"), "w") as f:
        f.write("\n".join(services) + "\n")
    run = ["postfix", "-c", etc]
    subprocess.run([*run, "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        pid_file = os.path.join(queue, "pid/master.pid")
        wait_for(lambda: os.path.exists(pid_file))
        with open(pid_file) as f:
            yield port, int(f.read()), queue
    finally:
        subprocess.run([*run, "stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def sink():
    """smtp-sink, which takes and forgets: its port and pid"""
    port = 10026
    server = subprocess.Popen(["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield port, server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def receive(label, port, pid, sessions, count, pause=0):
    """Sends `count` messages three times and prints the median of the rates and of the CPU. Returns the rate."""
    source(port, sessions, min(50, count))
    rates, costs = [], []
    for _ in range(3):
        before = cpu(pid)
        seconds = source(port, sessions, count)
        after = cpu(pid)
        rates.append(count / seconds)
        costs.append({n: (after[n] - before.get(n, 0)) * 1000 / count for n in after})
        time.sleep(pause)
    cost = {n: sorted(c.get(n, 0) for c in costs)[1] for n in costs[0]}
    rate = sorted(rates)[1]
    parts = ", ".join(f"{n} {ms:.2f}" for n, ms in sorted(cost.items(), key=lambda x: -x[1]) if ms >= 0.005)
    print(f"{label:<44} s={sessions:<3} {rate:7.0f} msgs/s  {sum(cost.values()):6.2f} ms CPU: {parts}", flush=True)
    return rate
