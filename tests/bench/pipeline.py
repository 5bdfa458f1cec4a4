"""The measurements of pipeline.sh. Everything listens on loopback and lives in one temporary folder."""
import os
import shutil
import sys

from servers import HERE, ROOT, gateway, postfix, receive, work

MESSAGES = int(sys.argv[1])


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
HOLD = "default_transport=discard:\nsmtpd_end_of_data_restrictions=check_client_access static:HOLD\n"


def lane(label, stages, sessions, count=MESSAGES, options=()):
    with gateway(stages, options) as (port, pid):
        receive(label, port, pid, sessions, count)


try:
    print(f"{MESSAGES} messages of 10 KB by smtp-source, median of 3; load {os.getloadavg()[0]:.1f}")
    for sessions in (1, 10, 50):
        lane("lane: auth|filter|route|queue", [AUTH, FILTER, ROUTE], sessions)
        lane("lane: auth|scan|filter|route|queue", [AUTH, SCAN, FILTER, ROUTE], sessions)
        lane("lane: queue alone", [], sessions)
        if os.geteuid() == 0:
            for label, settings in (("Postfix smtpd to queue, kept (HOLD)", HOLD),
                                    ("Postfix smtpd, queue, delivery to discard", "default_transport=discard:\n")):
                with postfix(settings) as (port, pid, _):
                    receive(label, port, pid, sessions, MESSAGES, pause=2)
    lane("--per-message: auth|filter|route|queue", [AUTH, FILTER, ROUTE], 10, max(100, MESSAGES // 10), ["--per-message"])
    start_up()
finally:
    shutil.rmtree(work, ignore_errors=True)
