"""A gate before a Kafka broker: TLS, and a login by SASL/PLAIN or SCRAM (RFC 5802, RFC 7677), as the protocol guide describes them.

Usage: kafka_gate.py PORT BROKER_PORT CERTIFICATE KEY USER PASSWORD [lenient]

Written from kafka.apache.org/protocol, independently of any client library. Before the login only ApiVersions,
SaslHandshake and SaslAuthenticate are answered; after it, bytes pass both ways. One line of standard output for each
login says how it ended; secrets are never written.
"""
import base64
import hashlib
import hmac
import os
import socket
import socketserver
import ssl
import struct
import sys
import threading

PORT, BROKER = int(sys.argv[1]), int(sys.argv[2])
CERTIFICATE, KEY, USER, PASSWORD = sys.argv[3:7]
IS_LENIENT = "lenient" in sys.argv[7:]
API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36


def exactly(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise ConnectionError("closed")
        data += part
    return data


def frame(stream):
    return exactly(stream, struct.unpack(">i", exactly(stream, 4))[0])


def send(stream, data):
    stream.sendall(struct.pack(">i", len(data)) + data)


def supported(broker):
    """What the broker behind supports, and the login."""
    send(broker, struct.pack(">hhih", API_VERSIONS, 0, 1, -1))
    answer = frame(broker)
    count = struct.unpack(">i", answer[6:10])[0]
    ranges = [struct.unpack(">hhh", answer[10 + 6 * i:16 + 6 * i]) for i in range(count)]
    known = [r for r in ranges if r[0] not in (SASL_HANDSHAKE, SASL_AUTHENTICATE)]
    return known + [(SASL_HANDSHAKE, 0, 1), (SASL_AUTHENTICATE, 0, 1)]


def versions(version, correlation, ranges):
    if version >= 3:
        body = struct.pack(">ih", correlation, 0) + varint(len(ranges) + 1)
        body += b"".join(struct.pack(">hhh", *r) + b"\0" for r in ranges)
        return body + struct.pack(">i", 0) + b"\0"
    body = struct.pack(">ihi", correlation, 0, len(ranges)) + b"".join(struct.pack(">hhh", *r) for r in ranges)
    return body + (struct.pack(">i", 0) if version >= 1 else b"")


def varint(number):
    data = b""
    while number > 127:
        data += bytes([number & 127 | 128])
        number >>= 7
    return data + bytes([number])


def text(value):
    data = value.encode()
    return struct.pack(">h", len(data)) + data


class Plain:
    """One message: identity, user, password."""

    def step(self, message):
        """What is answered, and whether the login is over; ValueError if it is refused."""
        _, user, password = message.split(b"\0")
        if (user, password) != (USER.encode(), PASSWORD.encode()):
            raise ValueError
        return b"", True


class Scram:
    """Two messages; the password itself is never sent."""

    ITERATIONS = 4096

    def __init__(self, algorithm):
        self.algorithm = algorithm
        self.first = None

    def mac(self, key, data):
        return hmac.digest(key, data, self.algorithm)

    def step(self, message):
        if self.first is None:
            header, self.bare = message[:3], message[3:]
            fields = dict(part.split(b"=", 1) for part in self.bare.split(b","))
            if header != b"n,," or fields[b"n"] != USER.encode():
                raise ValueError
            self.salt = os.urandom(16)
            self.nonce = fields[b"r"] + base64.b64encode(os.urandom(18))
            self.first = b"r=" + self.nonce + b",s=" + base64.b64encode(self.salt) + b",i=%d" % self.ITERATIONS
            return self.first, False
        without, proof = message.rsplit(b",p=", 1)
        # librdkafka before 2.6.1 puts its own nonce before the one that begins with it already. Kafka takes that up to 3.9.
        if not without.endswith(self.nonce if IS_LENIENT else b",r=" + self.nonce):
            raise ValueError
        salted = hashlib.pbkdf2_hmac(self.algorithm, PASSWORD.encode(), self.salt, self.ITERATIONS)
        stored = hashlib.new(self.algorithm, self.mac(salted, b"Client Key")).digest()
        everything = b",".join((self.bare, self.first, without))
        signature = self.mac(stored, everything)
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        if not hmac.compare_digest(hashlib.new(self.algorithm, key).digest(), stored):
            raise ValueError
        return b"v=" + base64.b64encode(self.mac(self.mac(salted, b"Server Key"), everything)), True


MECHANISMS = {"PLAIN": Plain, "SCRAM-SHA-256": lambda: Scram("sha256"), "SCRAM-SHA-512": lambda: Scram("sha512")}


def login(client, broker):
    """Answers until the client has logged in; the mechanism, or None if it may not."""
    ranges = supported(broker)
    wanted = conversation = None
    while True:
        request = frame(client)
        key, version, correlation, length = struct.unpack(">hhih", request[:10])
        body = request[10 + max(0, length):]
        if key == API_VERSIONS:
            send(client, versions(version, correlation, ranges))
        elif key == SASL_HANDSHAKE:
            wanted = body[2:2 + struct.unpack(">h", body[:2])[0]].decode()
            conversation = MECHANISMS[wanted]() if wanted in MECHANISMS else None
            names = b"".join(map(text, MECHANISMS))
            send(client, struct.pack(">ihi", correlation, 0 if conversation else 33, len(MECHANISMS)) + names)
        elif key == SASL_AUTHENTICATE and conversation:
            try:
                said, isOver = conversation.step(body[4:4 + struct.unpack(">i", body[:4])[0]])
            except (ValueError, KeyError):
                said, isOver = None, True
            answer = struct.pack(">ih", correlation, 58 if said is None else 0)
            answer += text("Authentication failed") if said is None else struct.pack(">h", -1)
            answer += struct.pack(">i", len(said or b"")) + (said or b"") + (struct.pack(">q", 0) if version >= 1 else b"")
            send(client, answer)
            if isOver:
                return None if said is None else wanted
        else:
            print("refused: request %d before a login" % key, flush=True)
            return None


def pump(source, target):
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Gate(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            with CONTEXT.wrap_socket(self.request, server_side=True) as client, socket.create_connection(
                ("127.0.0.1", BROKER)) as broker:
                mechanism = login(client, broker)
                if not mechanism:
                    print("login refused", flush=True)
                    return
                print("login", client.version(), mechanism, flush=True)
                back = threading.Thread(target=pump, args=(broker, client), daemon=True)
                back.start()
                pump(client, broker)
                back.join()
        except (OSError, ConnectionError, ValueError) as error:
            print("connection ended: %s" % type(error).__name__, flush=True)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(CERTIFICATE, KEY)
with Server(("127.0.0.1", PORT), Gate) as server:
    print("ready", flush=True)
    server.serve_forever()
