"""A counterpart of BigQuery's REST API and of Google's token endpoint and metadata server, for tests.

It keeps loaded Parquet files as DuckDB tables and wants a bearer token that its own token endpoint or metadata server gave
out; the endpoint verifies the RS256 signature of the claim with the account's public key. It is written from Google's API
reference and is no emulator of SQL: views are made of their SELECT.

usage: bigquery_server.py PORT_FILE FOLDER PUBLIC_KEY
"""
import base64, json, os, re, secrets, sys, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import duckdb
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
import threading

port_file, folder, key_file = sys.argv[1:4]
public_key = serialization.load_pem_public_key(open(key_file, "rb").read())
database = duckdb.connect()
lock = threading.RLock()
datasets, tables, jobs, uploads, tokens = {}, {}, {}, {}, set()
log = []
# What the test wants to go wrong: {"upload_fails": n, "server_errors": n, "job_fails": n, "status_refusals": n, "lost_answers": n}.
faults = {}


def take(name):
    if faults.get(name, 0) > 0:
        faults[name] -= 1
        return True
    return False


TYPES = {"STRING": "VARCHAR", "INTEGER": "BIGINT", "FLOAT": "DOUBLE", "BOOLEAN": "BOOLEAN", "BYTES": "BLOB", "DATE": "DATE",
         "TIMESTAMP": "TIMESTAMPTZ", "DATETIME": "TIMESTAMP", "NUMERIC": "DECIMAL(38,9)", "BIGNUMERIC": "DECIMAL(38,18)"}


def engine_type(field):
    kind = TYPES.get(field["type"])
    if field["type"] == "RECORD":
        kind = "STRUCT(" + ", ".join(f'"{f["name"]}" {engine_type(f)}' for f in field["fields"]) + ")"
    return kind + "[]" if field.get("mode") == "REPEATED" else kind


def create(name, fields):
    columns = ", ".join(f'"{f["name"]}" {engine_type(f)}' for f in fields)
    database.execute(f'CREATE OR REPLACE TABLE "{name}" ({columns})')


def run_load(job, path):
    load = job["configuration"]["load"]
    name, _, day = load["destinationTable"]["tableId"].partition("$")
    fields = load["schema"]["fields"]
    if take("job_fails"):
        return {"reason": "backendError", "message": "the load was made to fail"}
    if name not in tables or (load["writeDisposition"] == "WRITE_TRUNCATE" and not day):
        tables[name] = {"schema": load["schema"], "timePartitioning": load.get("timePartitioning")}
        create(name, fields)
    elif day:
        column = tables[name]["timePartitioning"]["field"]
        database.execute(f'DELETE FROM "{name}" WHERE "{column}" = strptime(?, \'%Y%m%d\')::DATE', [day])
    elif load["writeDisposition"] != "WRITE_APPEND":
        return {"reason": "invalid", "message": "an unexpected write disposition"}
    rows = database.execute(
        f'INSERT INTO "{name}" BY NAME SELECT * FROM read_parquet(\'{path}\')').fetchone()[0]
    job["statistics"] = {"load": {"outputRows": str(rows)}}
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, value=None, headers={}):
        body = b"" if value is None else json.dumps(value, default=str).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, message):
        self.answer(status, {"error": {"code": status, "message": message}})

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        with lock:
            log.append(f"{self.command} {url.path}")
            if url.path == "/test/faults":
                faults.update(json.loads(body))
                return self.answer(200, {})
            if url.path == "/test/query":
                cursor = database.execute(json.loads(body)["sql"])
                return self.answer(200, {"rows": cursor.fetchall()})
            if url.path == "/test/log":
                return self.answer(200, {"log": log, "jobs": jobs, "tables": tables})
            if url.path == "/test/expire":
                tokens.clear()
                return self.answer(200, {})
            if url.path == "/token":
                return self.token(body)
            if url.path.startswith("/computeMetadata/"):
                if self.headers.get("Metadata-Flavor") != "Google":
                    return self.refuse(403, "Missing Metadata-Flavor:Google header")
                return self.grant()
            if self.headers.get("Authorization", "")[7:] not in tokens:
                return self.refuse(401, "Request had invalid authentication credentials")
            if take("server_errors"):
                return self.refuse(503, "made to fail")
            self.api(url.path, query, body)

    do_GET = do_POST = do_PUT = serve

    def grant(self):
        token = secrets.token_hex(16)
        tokens.add(token)
        self.answer(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    def token(self, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return self.answer(400, {"error": "unsupported_grant_type"})
        header, claims, signature = form["assertion"].split(".")
        decode = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        try:
            public_key.verify(decode(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return self.answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        header, claims = json.loads(decode(header)), json.loads(decode(claims))
        here = f"http://127.0.0.1:{self.server.server_address[1]}/token"
        right = (header["alg"] == "RS256" and claims["aud"] == here and claims["iss"].endswith(".example")
                 and "https://www.googleapis.com/auth/bigquery" in claims["scope"].split()
                 and claims["iat"] <= time.time() + 5 and time.time() < claims["exp"] <= claims["iat"] + 3600)
        if not right:
            return self.answer(400, {"error": "invalid_grant", "error_description": "a claim is wrong"})
        self.grant()

    def api(self, path, query, body):
        value = json.loads(body) if body and self.headers.get("Content-Type") == "application/json" else None
        if match := re.fullmatch(r"/upload/bigquery/v2/projects/([^/]+)/jobs", path):
            return self.upload(query, value, body)
        match = re.fullmatch(r"/bigquery/v2/projects/([^/]+)/(.+)", path)
        if not match:
            return self.refuse(404, "no such path")
        rest = match[2].split("/")
        if rest == ["datasets"]:
            name = value["datasetReference"]["datasetId"]
            if name in datasets:
                return self.refuse(409, f"Already Exists: Dataset {name}")
            datasets[name] = value
            return self.answer(200, value)
        if rest[0] == "datasets" and len(rest) == 2:
            return self.answer(200, datasets[rest[1]]) if rest[1] in datasets else self.refuse(404, "Not found: Dataset")
        if rest[0] == "jobs" and len(rest) == 2:
            if rest[1] in jobs and take("status_refusals"):
                return self.refuse(403, "made to fail")
            return self.answer(200, jobs[rest[1]]) if rest[1] in jobs else self.refuse(404, "Not found: Job")
        if rest[0] == "datasets" and rest[2] == "tables":
            if rest[1] not in datasets:
                return self.refuse(404, "Not found: Dataset")
            if len(rest) == 4 and self.command == "GET":
                return self.answer(200, tables[rest[3]]) if rest[3] in tables else self.refuse(404, "Not found: Table")
            name = value["tableReference"]["tableId"]
            if self.command == "POST" and name in tables:
                return self.refuse(409, f"Already Exists: Table {name}")
            tables[name] = value
            if "view" in value:
                sql = re.sub(r"`[^`]+\.([^`.]+)`", r'"\1"', value["view"]["query"])
                database.execute(f'CREATE OR REPLACE VIEW "{name}" AS {sql}')
            else:
                create(name, value["schema"]["fields"])
            return self.answer(200, value)
        self.refuse(501, "not here")

    def upload(self, query, value, body):
        if query.get("upload_id") is None:
            if query.get("uploadType") != "resumable":
                return self.refuse(400, "only resumable uploads are known here")
            id = value["jobReference"]["jobId"]
            if id in jobs:
                return self.refuse(409, f"Already Exists: Job {id}")
            upload = secrets.token_hex(8)
            path = os.path.join(folder, upload)
            open(path, "wb").close()
            uploads[upload] = (value, path, int(self.headers["X-Upload-Content-Length"]))
            place = f"http://{self.headers['Host']}{self.path}&upload_id={upload}"
            return self.answer(200, None, {"Location": place})
        job, path, size = uploads[query["upload_id"]]
        have = os.path.getsize(path)
        first, last, total = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", self.headers["Content-Range"]).groups()
        if first is not None:
            if int(first) != have or int(total) != size:
                return self.refuse(400, "a gap in the upload")
            if take("lost_answers"):
                with open(path, "ab") as file:
                    file.write(body)
                self.close_connection = True
                return
            # Half of it is kept, as when a connection breaks.
            kept = body[:len(body) // 2] if take("upload_fails") else body
            with open(path, "ab") as file:
                file.write(kept)
            have += len(kept)
        if have < size:
            headers = {"Range": f"bytes=0-{have - 1}"} if have else {}
            return self.answer(308, None, headers)
        id = job["jobReference"]["jobId"]
        if id in jobs:
            return self.refuse(409, f"Already Exists: Job {id}")
        jobs[id] = job
        job["status"] = {"state": "DONE"}
        error = run_load(job, path)
        if error:
            job["status"]["errorResult"] = error
        self.answer(200, job)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(port_file + ".new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
