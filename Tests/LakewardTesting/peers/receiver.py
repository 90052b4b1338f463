"""Receives what Lakeward's notifiers send: HTTP (webhook, Slack, PagerDuty, SMS gateway) and SMTP.

Usage: receiver.py PORT_HTTP PORT_SMTP [CERTIFICATE KEY]

Each message is one line of JSON on standard output. What a format demands is checked here, by its own documentation,
independently of the sender: `problems` lists what is wrong. The path /fail/STATUS/COUNT/… answers COUNT times with
STATUS before it accepts. The webhook's secret is "s3cret", the mail's login "lakeward" with the password "pa55".
"""
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import socketserver
import ssl
import sys
import threading

lock = threading.Lock()
failures = {}


def say(message):
    with lock:
        print(json.dumps(message), flush=True)


def check_webhook(headers, body, problems):
    stamp = headers.get("Lakeward-Timestamp", "")
    wanted = "v1=" + hmac.new(b"s3cret", (stamp + ".").encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, headers.get("Lakeward-Signature", "")):
        problems.append("signature")
    data = json.loads(body)
    if data["id"] != headers.get("Lakeward-Delivery"):
        problems.append("id")
    if data["type"] not in ("alert.trigger", "alert.acknowledge", "alert.resolve"):
        problems.append("type")
    for alert in data["alerts"]:
        for key in ("id", "policy", "severity", "state", "title"):
            if not isinstance(alert.get(key), str):
                problems.append(key)
    return data["id"]


def check_slack(headers, body, problems):
    data = json.loads(body)
    if set(data) - {"text", "blocks"} or not data.get("text"):
        problems.append("keys")
    if not 1 <= len(data["blocks"]) <= 50:
        problems.append("blocks")
    for block in data["blocks"]:
        if block["type"] == "header":
            text = block["text"]
            if text["type"] != "plain_text" or not 1 <= len(text["text"]) <= 150:
                problems.append("header")
        elif block["type"] == "section":
            text = block["text"]
            if text["type"] != "mrkdwn" or not 1 <= len(text["text"]) <= 3000:
                problems.append("section")
        elif block["type"] != "context":
            problems.append("block " + block["type"])
    return None


def check_pagerduty(headers, body, problems):
    data = json.loads(body)
    if not data.get("routing_key") or not data.get("dedup_key") or len(data["dedup_key"]) > 255:
        problems.append("keys")
    if data.get("event_action") not in ("trigger", "acknowledge", "resolve"):
        problems.append("action")
    if data["event_action"] == "trigger":
        payload = data["payload"]
        if not 1 <= len(payload["summary"]) <= 1024 or not payload["source"]:
            problems.append("payload")
        if payload["severity"] not in ("critical", "error", "warning", "info"):
            problems.append("severity")
        for link in data.get("links", []):
            if not link["href"].startswith("https://"):
                problems.append("link")
    return data["dedup_key"]


def check_sms(headers, body, problems):
    data = json.loads(body)
    if set(data) != {"to", "text", "reference"} or not data["text"]:
        problems.append("keys")
    if headers.get("Authorization") != "Bearer sms-key":
        problems.append("authorization")
    return headers.get("Idempotency-Key")


CHECKS = {"webhook": check_webhook, "slack": check_slack, "pagerduty": check_pagerduty, "sms": check_sms}


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = self.path.strip("/").split("/")
        problems = []
        kind = parts[-1]
        status = 202 if kind == "pagerduty" else 200
        try:
            identifier = CHECKS[kind](self.headers, body, problems)
        except (KeyError, ValueError, TypeError) as error:
            identifier = None
            problems.append(repr(error))
        if parts[0] == "fail":
            with lock:
                count = failures[self.path] = failures.get(self.path, 0) + 1
            if count <= int(parts[2]):
                status = int(parts[1])
        say({"kind": kind, "status": status, "id": identifier, "problems": problems, "body": body.decode()})
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


class Mail(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs, with STARTTLS (RFC 3207) and AUTH PLAIN (RFC 4954)."""

    def answer(self, text):
        self.wfile.write((text + "\r\n").encode())
        self.wfile.flush()

    def handle(self):
        self.answer("220 receiver.test ESMTP")
        secure = login = False
        sender, recipients = None, []
        while True:
            line = self.rfile.readline().decode("ascii", "replace").rstrip("\r\n")
            word = line.upper()
            if not line or word.startswith("QUIT"):
                if line:
                    self.answer("221 bye")
                return
            if word.startswith("EHLO"):
                lines = ["receiver.test", "8BITMIME", "AUTH PLAIN"]
                if CONTEXT and not secure:
                    lines.append("STARTTLS")
                for text in lines[:-1]:
                    self.answer("250-" + text)
                self.answer("250 " + lines[-1])
            elif word.startswith("HELO"):
                self.answer("250 receiver.test")
            elif word == "STARTTLS":
                self.answer("220 go ahead")
                self.connection = CONTEXT.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb")
                secure = True
            elif word.startswith("AUTH PLAIN"):
                given = line.split(" ")[2] if len(line.split(" ")) > 2 else None
                if given is None:
                    self.answer("334 ")
                    given = self.rfile.readline().decode().strip()
                login = base64.b64decode(given) == b"\0lakeward\0pa55"
                self.answer("235 welcome" if login else "535 no")
            elif word.startswith("MAIL FROM:"):
                sender = line[10:].split(" ")[0]
                self.answer("250 ok")
            elif word.startswith("RCPT TO:"):
                recipients.append(line[8:])
                self.answer("550 no such person" if "nobody@" in line else "250 ok")
            elif word == "DATA":
                self.answer("354 go ahead")
                lines = []
                while True:
                    data = self.rfile.readline()
                    if data in (b".\r\n", b""):
                        break
                    lines.append(data[1:] if data.startswith(b".") else data)
                raw = b"".join(lines)
                message = email.message_from_bytes(raw, policy=email.policy.default)
                problems = [name for name in ("From", "To", "Subject", "Date", "Message-ID") if not message[name]]
                problems += [str(defect) for defect in message.defects]
                if any(len(line) > 998 + 2 for line in lines) or b"\n" in raw.replace(b"\r\n", b""):
                    problems.append("lines")
                say({
                    "kind": "mail", "status": 250, "id": message["Message-ID"], "problems": problems,
                    "subject": message["Subject"], "body": message.get_content(), "from": sender, "to": recipients,
                    "secure": secure, "login": login, "date": message["Date"],
                })
                self.answer("250 taken")
            else:
                self.answer("250 ok")


class Threaded(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True


CONTEXT = None
if len(sys.argv) > 3:
    CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CONTEXT.load_cert_chain(sys.argv[3], sys.argv[4])
mail = Threaded(("127.0.0.1", int(sys.argv[2])), Mail)
threading.Thread(target=mail.serve_forever, daemon=True).start()
web = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Web)
say({"kind": "ready"})
web.serve_forever()
