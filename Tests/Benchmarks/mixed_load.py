#!/usr/bin/env python3
"""Minutes of everything at once, well-behaved clients and broken ones: descriptors, memory and threads return to where they were.

    Tests/Benchmarks/mixed_load.py [--temper PATH] [--seconds 600]

What is compared is the service after a first half minute of the same load, when its caches and pools are full, and after all of it. Both times the
load has stopped, its jobs have ended and been deleted, and the service was left alone for some seconds.
"""
import argparse
import collections
import pathlib
import random
import socket
import struct
import tempfile
import threading
import time

import archives
from service import Service, submitted, wait_until
from table import Table, mebibytes, say

WARM_SECONDS, REST_SECONDS = 30, 12
STREAMS = 24
MEMORY_SHARE, MEMORY_BYTES = 0.1, 16 << 20
# The service's own limits, short enough that broken clients come to their end within the load.
CONFIG = {"timeouts": {"header_seconds": 2, "body_seconds": 3, "idle_seconds": 5, "write_seconds": 5}}
GARBAGE = [
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", b"GET / HTTP/1.1\r\n\r\n", b"GET /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 70_000,
    b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n{\"a\"", b"\r\n" * 40, b"\0" * 100,
]


class Load:
    """Clients on threads of their own, each until the time is up."""

    def __init__(self, service, job, archive):
        self.service, self.job, self.archive = service, job, archive
        self.counts, self.faults, self.health = collections.Counter(), collections.Counter(), []
        self.lock, self.most = threading.Lock(), 0

    def run(self, seconds):
        self.end = time.monotonic() + seconds
        kinds = [self.upload, self.download, self.download, self.poll, self.poll, self.work, self.watch_health]
        kinds += [self.leave_early, self.break_upload, self.speak_garbage, self.stall] + [self.stream] * STREAMS
        threads = [threading.Thread(target=self._loop, args=(kind, random.Random(number))) for number, kind in enumerate(kinds)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.most = max(self.most, self.service.descriptors())
            time.sleep(0.2)
            if self.service.process.poll() is not None:
                raise SystemExit(f"the service ended: {self.service.last_lines()}")

    def _loop(self, kind, chance):
        while time.monotonic() < self.end:
            try:
                kind(chance)
                with self.lock:
                    self.counts[kind.__name__] += 1
            except OSError as fault:
                with self.lock:
                    self.faults[f"{kind.__name__}: {fault or type(fault).__name__}"] += 1
                time.sleep(0.1)

    # Those who behave

    def _expect(self, answer, *statuses):
        if answer.status not in statuses:
            raise OSError(f"answered with {answer.status}: {answer.body[:120].decode(errors='replace')}")
        return answer

    def upload(self, chance):
        with self.service.connection() as connection:
            answer = connection.request("POST", "/v1/datasets?name=load&format=npz", self.archive, content_type="application/octet-stream")
            if self._expect(answer, 201, 429, 503).status == 201:
                self._expect(connection.request("DELETE", f"/v1/datasets/{answer.json()['id']}"), 204)

    def download(self, chance):
        with self.service.connection() as connection:
            path = f"/v1/jobs/{self.job}/checkpoints/best_robust"
            whole = self._expect(connection.get(path), 200)
            begin = chance.randrange(len(whole.body))
            piece = self._expect(connection.get(path, range=f"bytes={begin}-"), 206)
            if piece.body != whole.body[begin:]:
                raise OSError("a range is not the file's")

    def poll(self, chance):
        with self.service.connection() as connection:
            for path in ("/v1/jobs?limit=20", f"/v1/jobs/{self.job}", f"/v1/jobs/{self.job}/metrics", "/metrics", "/openapi.json") * 4:
                self._expect(connection.get(path, accept_encoding=chance.choice(["gzip", "identity"])), 200)

    def work(self, chance):
        with self.service.connection() as connection:
            job = submitted(connection, tiny_job())
            if chance.random() < 0.5:
                self._expect(connection.request("POST", f"/v1/jobs/{job}/cancel"), 202, 409)
            wait_until(connection, job, lambda now: now["state"] in ("succeeded", "failed", "cancelled"))
            self._expect(connection.request("DELETE", f"/v1/jobs/{job}"), 204)

    def watch_health(self, chance):
        with self.service.connection(10) as connection:
            self.health.append(self._expect(connection.get("/healthz"), 200).seconds)
        time.sleep(0.1)

    def stream(self, chance):
        path = chance.choice(["/v1/events", f"/v1/jobs/{self.job}/events"])
        with socket.create_connection(("127.0.0.1", self.service.port), 30) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode())
            client.settimeout(0.5)
            leave = time.monotonic() + chance.uniform(0.2, 6)
            while time.monotonic() < min(leave, self.end):
                try:
                    if not client.recv(65536):
                        return
                except TimeoutError:
                    pass

    # Those who do not

    def _connected(self):
        return socket.create_connection(("127.0.0.1", self.service.port), 10)

    def _pause(self, chance):
        """Dozens in a second, not as many as the machine can make: the others are to be served beside them."""
        time.sleep(chance.uniform(0, 0.05))

    def _reset(self, client):
        """Ends a connection with RST: as a crash, or a cable that was pulled."""
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def leave_early(self, chance):
        client = self._connected()
        client.sendall(f"GET /v1/jobs/{self.job}/checkpoints/best_robust HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        client.recv(chance.randrange(1, 4096))
        self._reset(client)
        self._pause(chance)

    def break_upload(self, chance):
        client = self._connected()
        head = "POST /v1/datasets?format=npz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/octet-stream\r\n"
        client.sendall(f"{head}Content-Length: {len(self.archive)}\r\n\r\n".encode() + self.archive[: chance.randrange(len(self.archive))])
        self._reset(client) if chance.random() < 0.5 else client.close()
        self._pause(chance)

    def speak_garbage(self, chance):
        with self._connected() as client:
            client.sendall(chance.choice(GARBAGE))
            client.settimeout(4)
            try:
                client.recv(4096)
            except (TimeoutError, ConnectionError):
                pass
        self._pause(chance)

    def stall(self, chance):
        with self._connected() as client:
            client.sendall(b"GET /v1/jobs HTTP/1.1\r\nHost: 127.0"[: chance.randrange(1, 36)])
            client.settimeout(6)
            client.recv(4096)


def tiny_job():
    return {"dataset": {"id": "digits", "limit": 200}, "model": {"architecture": "mlp", "hidden": [256]}, "threat": {"norm": "linf", "epsilon": 0.1},
            "training": {"method": "fgsm", "base_epochs": 1, "epochs": 1}, "evaluation": {"samples": 20, "attacks": [{"name": "fgsm"}], "curve": []}}


def resting(service):
    """Descriptors, memory and threads once nobody asks for anything."""
    time.sleep(REST_SECONDS)
    return service.descriptors(), min(service.anonymous_memory() for _ in range(3)), service.threads()


def measure(table, service, seconds):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "images.npz"
        archives.byte_images(path, 1_000, 100)
        archive = path.read_bytes()
    with service.connection() as connection:
        job = submitted(connection, tiny_job())
        if wait_until(connection, job, lambda now: now["state"] in ("succeeded", "failed"))["state"] != "succeeded":
            raise SystemExit("the job whose checkpoint is to be downloaded failed")
    fresh = resting(service)
    say(f"fresh: {fresh[0]} descriptors, {mebibytes(fresh[1])}, {fresh[2]} threads")
    Load(service, job, archive).run(WARM_SECONDS)
    before = resting(service)
    say(f"after {WARM_SECONDS} s: {before[0]} descriptors, {mebibytes(before[1])}, {before[2]} threads; now {seconds} s")
    load = Load(service, job, archive)
    load.run(seconds)
    after = resting(service)
    table.add("descriptors", f"{before[0]} before, {load.most} at most, {after[0]} after", "no more than before", after[0] <= before[0])
    room = max(MEMORY_SHARE * before[1], MEMORY_BYTES)
    table.add("RssAnon", f"{mebibytes(before[1])} before, {mebibytes(after[1])} after", f"within {mebibytes(room)}", after[1] <= before[1] + room)
    table.add("threads", f"{before[2]} before, {after[2]} after", "no more than 4 more", after[2] <= before[2] + 4)
    table.latencies("GET /healthz meanwhile", load.health)
    for name, count in sorted(load.counts.items()):
        table.add(name.replace("_", " "), f"{count} ×")
    table.add("unexpected", f"{sum(load.faults.values())} ×", "none", not load.faults)
    for fault, count in load.faults.most_common(5):
        say(f"{count} × {fault}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=".build/release/temper", help="the executable")
    parser.add_argument("--seconds", type=int, default=600, help="how long the load lasts")
    options = parser.parse_args()
    table = Table(f"mixed load for {options.seconds} s")
    with Service(options.temper, CONFIG) as service:
        raise SystemExit(table.complete(lambda: measure(table, service, options.seconds)))


if __name__ == "__main__":
    main()
