"""A gate before a Kafka broker: TLS, and a login by SASL/PLAIN, as the protocol guide describes them.

Usage: kafka_gate.py PORT BROKER_PORT CERTIFICATE KEY USER PASSWORD

Written from kafka.apache.org/protocol, independently of any client library. Before the login only ApiVersions,
SaslHandshake and SaslAuthenticate are answered; after it, bytes pass both ways. One line of standard output for each
login says how it ended; secrets are never written.
"""
import socket
import socketserver
import ssl
import struct
import sys
import threading

PORT, BROKER = int(sys.argv[1]), int(sys.argv[2])
CERTIFICATE, KEY, USER, PASSWORD = sys.argv[3:7]
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


def login(client, broker):
    """Answers until the client has logged in; False if it may not."""
    ranges = supported(broker)
    while True:
        request = frame(client)
        key, version, correlation, length = struct.unpack(">hhih", request[:10])
        body = request[10 + max(0, length):]
        if key == API_VERSIONS:
            send(client, versions(version, correlation, ranges))
        elif key == SASL_HANDSHAKE:
            wanted = body[2:2 + struct.unpack(">h", body[:2])[0]].decode()
            error = 0 if wanted == "PLAIN" else 33
            send(client, struct.pack(">ihi", correlation, error, 1) + text("PLAIN"))
        elif key == SASL_AUTHENTICATE:
            _, user, password = body[4:4 + struct.unpack(">i", body[:4])[0]].split(b"\0")
            isRight = (user, password) == (USER.encode(), PASSWORD.encode())
            answer = struct.pack(">ih", correlation, 0 if isRight else 58)
            answer += struct.pack(">h", -1) if isRight else text("Authentication failed")
            answer += struct.pack(">i", 0) + (struct.pack(">q", 0) if version >= 1 else b"")
            send(client, answer)
            return isRight
        else:
            print("refused: request %d before a login" % key, flush=True)
            return False


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
                if not login(client, broker):
                    print("login refused", flush=True)
                    return
                print("login", client.version(), flush=True)
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
