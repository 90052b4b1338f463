"""Predictions over HTTP: Lakeward beside FastAPI, uvicorn and scikit-learn; and many clients of the event stream.

Started by bench/api. Both sides train a forest of 100 trees (depth 8) on the same generated rows. wrk sends one record
again and again; a batch is 10,000 records. Lakeward's answers are taken with and without what each feature adds; the
peer gives none.
"""

import argparse
import csv
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "bench", ".work", "api-run")
LAKEWARD = os.environ.get("LAKEWARD_PROGRAM") or os.path.join(ROOT, ".build", "release", "lakeward")
RECORD = {"pregnancies": 0, "glucose": 137, "blood_pressure": 40, "skin_thickness": 35, "insulin": 168, "bmi": 43.1,
          "diabetes_pedigree_function": 2.288, "age": 33}


def main():
    parser = argparse.ArgumentParser(prog="bench/api", description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--listeners", type=int, default=1000)
    parser.add_argument("--listen-seconds", type=int, default=60)
    parser.add_argument("--sides", default="lakeward,fastapi,events")
    options = parser.parse_args()
    sides = options.sides.split(",")
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK)
    write_rows(os.path.join(WORK, "rows.csv"))
    with open(os.path.join(WORK, "predict.lua"), "w") as file:
        file.write("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\n")
        file.write("wrk.body = '%s'\n" % json.dumps(RECORD))
    results = {}
    if "lakeward" in sides or "events" in sides:
        with Server(lakeward()) as server:
            if "lakeward" in sides:
                results["lakeward"] = load(server, options, "/predict?shap=false", "/predict_batch?model=diabetes")
                results["lakeward_with_shap"] = load(server, options, "/predict", None)
            if "events" in sides:
                results["events"] = listen(server, options)
    if "fastapi" in sides:
        port = free_port()
        command = [sys.executable, os.path.join(ROOT, "bench", "peers", "fastapi_diabetes.py"),
                   os.path.join(WORK, "rows.csv"), str(port)]
        with Server((command, port)) as server:
            results["fastapi"] = load(server, options, "/predict", "/predict_batch")
    for name, figures in results.items():
        print(name.ljust(20), "  ".join(f"{key} {value}" for key, value in figures.items()))
    if "lakeward" in results and "fastapi" in results:
        for name in ("lakeward", "lakeward_with_shap"):
            ratio = results[name]["requests_per_second"] / results["fastapi"]["requests_per_second"]
            print(f"{name}: {ratio:.0f} x the requests per second of FastAPI")
    os.makedirs(os.path.join(ROOT, "bench", ".work", "results"), exist_ok=True)
    with open(os.path.join(ROOT, "bench", ".work", "results", "api.json"), "w") as file:
        json.dump(results, file, indent=2)


def write_rows(path):
    """Rows in the shape of the Pima data."""
    generator = random.Random(7)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["patient_id", *RECORD, "outcome"])
        for number in range(768):
            glucose, bmi, age = generator.gauss(122, 30), generator.gauss(32, 7), generator.randint(21, 70)
            score = (glucose - 122) / 30 + (bmi - 32) / 10 + (age - 33) / 30 + generator.gauss(0, 0.8)
            writer.writerow([
                number, generator.randint(0, 12), round(max(45, glucose), 1), round(max(30, generator.gauss(72, 12)), 1),
                round(max(8, generator.gauss(29, 9)), 1), round(max(15, generator.gauss(150, 90)), 1),
                round(max(18, bmi), 1), round(max(0.08, generator.gauss(0.47, 0.3)), 3), age, int(score > 0.6)])


def lakeward():
    """Trains on the rows and says how the server is started."""
    lake = os.path.join(WORK, "lake")
    subprocess.run([LAKEWARD, "train", "diabetes", "--model", "random-forest", "--data", os.path.join(WORK, "rows.csv"),
                    "--lake", lake], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    return [LAKEWARD, "serve", "--listen", f"127.0.0.1:{port}", "--lake", lake], port


class Server:
    """A server process for as long as the block runs."""

    def __init__(self, start):
        self.command, self.port = start

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=ROOT, stdout=subprocess.DEVNULL)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"{self.command[0]} does not listen")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def load(server, options, single, batch):
    output = subprocess.run(
        ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency", "-s",
         os.path.join(WORK, "predict.lua"), server.url(single)], check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"{single}: answers that are not 200\n{output}")
    figures = {"requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]),
               "p50": re.search(r"50%\s+(\S+)", output)[1], "p99": re.search(r"99%\s+(\S+)", output)[1]}
    if batch:
        body = json.dumps([RECORD] * 10_000).encode()
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            request = urllib.request.Request(server.url(batch), body, {"Content-Type": "application/json"})
            answer = json.load(urllib.request.urlopen(request))
            times.append(time.perf_counter() - begin)
            assert len(answer["results"]) == 10_000
        figures["batch_of_10000_ms"] = round(1000 * sorted(times)[2], 1)
    return figures


def listen(server, options):
    """Clients of the event stream, of which half read; memory of the server before and after."""
    def resident():
        with open(f"/proc/{server.process.pid}/statm") as file:
            return int(file.read().split()[1]) * 4096

    clients = []
    for _ in range(options.listeners):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        clients.append(client)
    for client in clients:
        client.recv(4096)
    runner = subprocess.Popen([LAKEWARD, "run", "vitals", "--lake", os.path.join(WORK, "lake")], cwd=ROOT,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    feeder = subprocess.Popen([LAKEWARD, "simulate", "vitals", "--rate", "200", "--patients", "200", "--seed", "5", "--lake",
                               os.path.join(WORK, "lake")],
                              cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def take(until):
        """Every second client reads what there is, the others nothing, until `until(bytes so far)`."""
        received = 0
        while not until(received):
            for client in clients[::2]:
                client.setblocking(False)
                try:
                    received += len(client.recv(1 << 20))
                except BlockingIOError:
                    pass
            time.sleep(0.5)
        return received

    # Measured from when readings flow, and the sockets of those who do not read are full.
    ready = time.time() + 120
    warm = take(lambda received: received > 20_000 * len(clients) or time.time() > ready)
    if warm < 1_000 * len(clients):
        raise SystemExit("events: no readings came to the listeners within two minutes")
    before, end = resident(), time.time() + options.listen_seconds
    received = take(lambda _: time.time() > end)
    after = resident()
    for process in (feeder, runner):
        process.terminate()
        process.wait(30)
    for client in clients:
        client.close()
    return {"listeners": options.listeners, "seconds": options.listen_seconds, "received_mb": round(received / 1e6, 1),
            "memory_before_mb": round(before / 1e6, 1), "memory_after_mb": round(after / 1e6, 1)}


if __name__ == "__main__":
    main()
