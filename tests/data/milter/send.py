"""send.py PORT FROM TO... < message: sends it over SMTP, octet for octet, and prints the last reply. --tls before the port: under TLS."""
import smtplib, ssl, sys

arguments = sys.argv[1:]
tls = arguments[0] == "--tls"
port, sender, *to = arguments[tls:]
message = sys.stdin.buffer.read()
client = smtplib.SMTP("127.0.0.1", int(port), local_hostname="client.example", timeout=60)
if tls:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    client.starttls(context=context)
client.ehlo("client.example")
steps = [("MAIL FROM:<%s>" % sender)] + ["RCPT TO:<%s>" % one for one in to] + ["DATA"]
for step in steps:
    code, text = client.docmd(step)
    if code >= 400:
        break
if code == 354:
    quoted = message.replace(b"\r\n.", b"\r\n..")
    client.send((b"." if quoted.startswith(b".") else b"") + quoted + b".\r\n")
    code, text = client.getreply()
print(code, text.decode())
try:
    client.quit()
except smtplib.SMTPException:
    pass
