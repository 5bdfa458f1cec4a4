#!/usr/bin/python3
"""Makes the sample mail, keys and zone of this folder again (python3-dkim, python3-nacl, openssl): run in the project's root."""
import base64, os, subprocess, time
import dkim

d = 'tests/data/auth/'
q = 'share/pipelines/quickstart/'
time.time = lambda: 1795499000


def run(*a):
    return subprocess.run(a, check=True, capture_output=True).stdout


if not os.path.exists(d + 'rsa.pem'):
    run('openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', d + 'rsa.pem')
    run('openssl', 'genpkey', '-algorithm', 'ED25519', '-out', d + 'ed25519.pem')
rsapub = base64.b64encode(run('openssl', 'pkey', '-in', d + 'rsa.pem', '-pubout', '-outform', 'DER')).decode()
edpub = base64.b64encode(run('openssl', 'pkey', '-in', d + 'ed25519.pem', '-pubout', '-outform', 'DER')[-32:]).decode()
seed = base64.b64encode(run('openssl', 'pkey', '-in', d + 'ed25519.pem', '-outform', 'DER')[-32:])
rsa = run('openssl', 'rsa', '-in', d + 'rsa.pem', '-traditional')


def txt(s):
    return ' '.join('"%s"' % s[i:i + 200] for i in range(0, len(s), 200))


zone = f'''; DNS of the sample mail. The keys are for tests only.
$TTL 300
$ORIGIN example.net.
@ A 192.0.2.7
@ MX 10 mail
mail A 192.0.2.7
@ TXT "v=spf1 ip4:192.0.2.7 ip4:127.0.0.1 -all"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.net"
ed._domainkey TXT "v=DKIM1; k=ed25519; p={edpub}"
rsa._domainkey TXT {txt("v=DKIM1; k=rsa; p=" + rsapub)}
testing._domainkey TXT {txt("v=DKIM1; k=rsa; t=y; p=" + rsapub)}
revoked._domainkey TXT "v=DKIM1; k=rsa; p="
broken._domainkey SERVFAIL TXT
$ORIGIN example.org.
@ A 192.0.2.8
@ TXT "v=spf1 mx -all"
@ MX 10 mx
mx A 192.0.2.8
_dmarc TXT "v=DMARC1; p=quarantine; sp=reject; np=none"
$ORIGIN bank.example.
@ A 192.0.2.9
@ TXT "v=spf1 ip4:192.0.2.9 -all"
_dmarc TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
$ORIGIN list.example.
@ A 192.0.2.10
@ TXT "v=spf1 ip4:192.0.2.10 ip4:127.0.0.1 -all"
rsa._domainkey TXT {txt("v=DKIM1; k=rsa; p=" + rsapub)}
$ORIGIN spoofer.example.
@ A 192.0.2.66
@ TXT "v=spf1 ip4:192.0.2.66 ip4:127.0.0.1 -all"
$ORIGIN .
7.2.0.192.in-addr.arpa. PTR mail.example.net.
66.2.0.192.in-addr.arpa. PTR mail.example.net.
1.0.0.127.in-addr.arpa. PTR localhost.
localhost. A 127.0.0.1
'''
clean = b'''From: Alice <alice@example.net>
To: bob@example.org
Subject: Minutes of Tuesday
Date: Tue, 24 Nov 2026 05:47:35 +0000
Message-ID: <minutes@example.net>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Hello Bob,

the minutes are where you would look for them.

Alice
'''
spoof = b'''From: Your Bank <service@bank.example>
To: bob@example.org
Subject: Confirm your account
Date: Tue, 24 Nov 2026 05:47:35 +0000
Message-ID: <confirm@spoofer.example>

Dear customer, please confirm your account at http://spoofer.example/.
'''


def crlf(b):
    return b.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


def sign(m, sel, dom, alg=b'rsa-sha256', **k):
    key = seed if alg == b'ed25519-sha256' else rsa
    s = dkim.sign(crlf(m), sel, dom, key, canonicalize=(b'relaxed', b'relaxed'), signature_algorithm=alg, **k)
    return s.replace(b'\r\n', b'\n') + m


def w(n, b, folder=d):
    open(folder + n, 'wb').write(b)


ed = sign(clean, b'ed', b'example.net', b'ed25519-sha256')
r = sign(clean, b'rsa', b'example.net')
for folder in (d, q):
    w('zone.db', zone.encode(), folder)
    w('clean.eml', ed, folder)
    w('spoofed.eml', spoof, folder)
w('unsigned.eml', clean)
w('rsa.eml', r)
w('rsa-crlf.eml', crlf(r))
w('two-signatures.eml', sign(ed, b'rsa', b'list.example'))
w('broken.eml', r.replace(b'where you would', b'WHERE you would'))
w('appended.eml', sign(clean, b'rsa', b'example.net', length=True) + b'Buy now: http://spoofer.example/\n')
w('sha1.eml', sign(clean, b'rsa', b'example.net', b'rsa-sha1'))
w('testing-broken.eml', sign(clean, b'testing', b'example.net').replace(b'Tuesday', b'Friday'))
w('revoked.eml', sign(clean, b'revoked', b'example.net'))
w('temperror.eml', sign(clean, b'broken', b'example.net'))
once = [b"from", b"to", b"subject"]
w("two-from.eml", b"From: boss@bank.example\n" + sign(clean, b"rsa", b"example.net", include_headers=once))
w('forged-results.eml', b'''Received: from a by b; Tue, 24 Nov 2026 05:47:30 +0000
Authentication-Results: mx.example.org; dkim=pass header.d=bank.example
authentication-results : (a (nested) comment) MX.EXAMPLE.ORG. 1;
 dmarc=pass header.from=bank.example
Authentication-Results:
\t"mx.example\\.org"; spf=pass smtp.mailfrom=bank.example
Authentication-Results: other.example; dkim=fail
''' + spoof + b'Authentication-Results: mx.example.org; this is text of the body\n')
