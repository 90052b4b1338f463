"""A name node and a data node that follow the WebHDFS REST documentation, for tests of clients.

  webhdfs_server.py FOLDER NAME_PORT DATA_PORT [--lose-rename N] [--standby]

Files lie below FOLDER, so that a server that is started again has them. It keeps to what is easy to get wrong: the
first CREATE or OPEN only answers with a redirect to the data node and takes no data; a file is there, empty, before its
bytes come; RENAME refuses a name that is taken unless it has the option OVERWRITE; `user.name` is needed; errors are
RemoteException objects. `--lose-rename N` carries out every Nth RENAME and then drops the connection without an answer.
`--standby` answers every request as a name node that is not active.
"""

import argparse
import http.server
import json
import os
import shutil
import socketserver
import threading
import urllib.parse

lock = threading.Lock()
settings = argparse.Namespace()
renames = 0


class Refused(Exception):
    def __init__(self, status, exception, message):
        super().__init__(message)
        self.status, self.exception = status, exception


def missing(path):
    return Refused(404, "FileNotFoundException", "File does not exist: " + path)


class Node(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def tell(self, value):
        self.answer(200, json.dumps(value).encode())

    def take(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def handle_request(self):
        try:
            url = urllib.parse.urlsplit(self.path)
            self.query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
            if not url.path.startswith("/webhdfs/v1/"):
                raise Refused(404, "FileNotFoundException", "Not a WebHDFS path")
            self.name = urllib.parse.unquote(url.path[len("/webhdfs/v1"):])
            if not self.query.get("user.name") and not self.query.get("delegation"):
                return self.answer(401)
            if settings.standby:
                raise Refused(403, "StandbyException", "Operation category READ is not supported in state standby")
            operation = "%s_%s" % (self.command, self.query.get("op", "").upper())
            run = getattr(self, operation, None)
            if run is None:
                raise Refused(400, "IllegalArgumentException", "Invalid value for webhdfs parameter \"op\"")
            run()
        except Refused as error:
            body = {"exception": error.exception, "javaClassName": "org.apache.hadoop." + error.exception,
                    "message": str(error)}
            self.answer(error.status, json.dumps({"RemoteException": body}).encode())

    do_GET = do_PUT = do_POST = do_DELETE = handle_request

    def local(self, name=None):
        parts = (self.name if name is None else name).split("/")[1:]
        if any(part in (".", "..") or ":" in part for part in parts):
            raise Refused(400, "InvalidPathException", "Invalid path name")
        return os.path.join(settings.folder, *parts)


class NameNode(Node):
    def redirect(self):
        if self.take():
            raise Refused(400, "IllegalArgumentException", "data before the redirect")
        host = "http://127.0.0.1:%d" % settings.data_port
        self.answer(307, Location=host + self.path + "&namenoderpcaddress=127.0.0.1:8020")

    def GET_OPEN(self):
        if not os.path.isfile(self.local()):
            raise missing(self.name)
        self.redirect()

    def PUT_CREATE(self):
        path = self.local()
        with lock:
            if os.path.isdir(path) or os.path.exists(path) and self.query.get("overwrite") != "true":
                self.take()
                raise Refused(403, "FileAlreadyExistsException", self.name + " already exists")
        self.redirect()

    def status(self, path, name):
        facts = os.stat(path)
        folder = os.path.isdir(path)
        return {"accessTime": 0, "blockSize": 0 if folder else 134217728, "group": "supergroup",
                "length": 0 if folder else facts.st_size, "modificationTime": facts.st_mtime_ns // 1000000,
                "owner": self.query.get("user.name", ""), "pathSuffix": name, "permission": "644",
                "replication": 0 if folder else 1, "type": "DIRECTORY" if folder else "FILE"}

    def GET_GETFILESTATUS(self):
        with lock:
            if not os.path.exists(self.local()):
                raise missing(self.name)
            found = self.status(self.local(), "")
        self.tell({"FileStatus": found})

    def GET_LISTSTATUS(self):
        path = self.local()
        with lock:
            if os.path.isfile(path):
                found = [self.status(path, "")]
            elif os.path.isdir(path):
                found = [self.status(os.path.join(path, name), name) for name in sorted(os.listdir(path))]
            else:
                raise missing(self.name)
        self.tell({"FileStatuses": {"FileStatus": found}})

    def PUT_MKDIRS(self):
        self.take()
        with lock:
            os.makedirs(self.local(), exist_ok=True)
        self.tell({"boolean": True})

    def PUT_RENAME(self):
        global renames
        self.take()
        source, target = self.local(), self.local(self.query["destination"])
        overwrites = "OVERWRITE" in self.query.get("renameoptions", "")
        with lock:
            if os.path.isdir(target):
                target = os.path.join(target, os.path.basename(source))
            done = os.path.exists(source) and os.path.isdir(os.path.dirname(target))
            if overwrites and not done:
                raise missing(self.name)
            done = done and (overwrites or not os.path.exists(target))
            if done:
                os.rename(source, target)
            renames += 1
            lost = settings.lose_rename and renames % settings.lose_rename == 0
        if lost:
            self.close_connection = True
        elif overwrites:
            self.answer(200)
        else:
            self.tell({"boolean": done})

    def DELETE_DELETE(self):
        path = self.local()
        with lock:
            found = os.path.exists(path)
            if os.path.isdir(path):
                if os.listdir(path) and self.query.get("recursive") != "true":
                    raise Refused(403, "PathIsNotEmptyDirectoryException", self.name + " is non empty")
                shutil.rmtree(path)
            elif found:
                os.remove(path)
        self.tell({"boolean": found})


class DataNode(Node):
    def GET_OPEN(self):
        try:
            with open(self.local(), "rb") as file:
                content = file.read()
        except FileNotFoundError:
            raise missing(self.name) from None
        offset = int(self.query.get("offset", 0))
        if offset > len(content) or offset < 0:
            raise Refused(403, "IOException", "Offset=%d out of the range [0, %d)" % (offset, len(content)))
        length = int(self.query.get("length", len(content)))
        self.answer(200, content[offset:offset + length], "application/octet-stream")

    def PUT_CREATE(self):
        path = self.local()
        with lock:
            if os.path.exists(path) and self.query.get("overwrite") != "true":
                self.take()
                raise Refused(403, "FileAlreadyExistsException", self.name + " already exists")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "wb").close()
        content = self.take()
        with open(path, "wb") as file:
            file.write(content)
        self.answer(201, Location="webhdfs://127.0.0.1:%d%s" % (settings.name_port, urllib.parse.quote(self.name)))


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("name_port", type=int)
    parser.add_argument("data_port", type=int)
    parser.add_argument("--lose-rename", type=int, default=0)
    parser.add_argument("--standby", action="store_true")
    parser.parse_args(namespace=settings)
    data = Server(("127.0.0.1", settings.data_port), DataNode)
    threading.Thread(target=data.serve_forever, daemon=True).start()
    name = Server(("127.0.0.1", settings.name_port), NameNode)
    print("listening", flush=True)
    name.serve_forever()


if __name__ == "__main__":
    main()
