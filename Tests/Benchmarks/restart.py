#!/usr/bin/env python3
"""From SIGKILL to the next training step of the resumed job, for a small and a large network.

    Tests/Benchmarks/restart.py [--temper PATH] [--kills 10] [--architectures madry_cnn,preact_resnet18]

The service is killed at a random moment and started again at once. The job's progress comes as events, some times a second, with the service's
own times. Where an event tells of several steps at once, the end of the first of them is put between it and the event before: evenly, or so
long before the event as the other steps usually take, whichever is later.
"""
import argparse
import json
import random
import socket
import statistics
import time

from client import EventLines
from service import Service, digits_job, moment, submitted, updates, wait_until
from table import Table, say

LIMIT = 120


class Events:
    """The events of a job from the service as it runs now: (number, name, data)."""

    def __init__(self, port, job, after=None):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        fields = f"Last-Event-ID: {after}\r\n" if after is not None else ""
        self.socket.sendall(f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n".encode())
        self.lines, self.waiting = EventLines(), []
        self.head = True

    def __iter__(self):
        data = b""
        while self.head:
            data += self._receive()
            if (end := data.find(b"\r\n\r\n")) >= 0:
                data, self.head = data[end + 4 :].lstrip(b"0123456789abcdefABCDEF\r\n"), False
        while True:
            for number, name, text in self.lines.feed(data):
                yield number, name, json.loads(text)
            data = self._receive()

    def _receive(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the stream of events ended")
        return data

    def close(self):
        self.socket.close()


class Watch:
    """Reads a job's events up to a condition, and goes on behind the last one that it has read."""

    def __init__(self):
        self.number = None

    def watch(self, port, job, until):
        """Calls `until(at, name, data, done)` for each event, `done` being the updates that a progress event tells of."""
        events, end = Events(port, job, self.number), time.monotonic() + LIMIT
        try:
            for number, name, data in events:
                self.number = number if number is not None else self.number
                done = updates(data) if name == "progress" else None
                if until(moment(data), name, data, done):
                    return
                if name == "end":
                    raise SystemExit(f"the job ended: {data}")
                if time.monotonic() > end:
                    raise SystemExit(f"the job did not come so far within {LIMIT} s")
        finally:
            events.close()


def train(watch, port, job, seconds):
    """Lets a job train. Returns its last known count of updates and the seconds that an update takes."""
    seen, begun = [], time.time()

    def until(at, name, data, done):
        if done is not None and at >= begun:
            seen.append((at, done))
        return at - begun > seconds and len(seen) > 2 and seen[-1][1] > seen[0][1] + 1

    watch.watch(port, job, until)
    return seen[-1][1], (seen[-1][0] - seen[0][0]) / (seen[-1][1] - seen[0][1])


class Resumption:
    """One kill, one start, and the moments after it, in seconds from the kill."""

    def __init__(self, service, watch, job, reached, step):
        killed = time.time()
        service.kill()
        self.start_up = service.start()
        self.ready = time.time() - killed
        self.running = self.first = None
        before = []

        def until(at, name, data, done):
            if name == "state" and data["state"] == "running":
                self.running = at - killed
            # What the process before had still to tell comes first.
            if done is None or self.running is None:
                return False
            if not before:
                self.first = at - killed
            elif done > before[-1][1]:
                begun, self.resumed_at = before[-1]
                steps = done - self.resumed_at
                self.next = max(begun + (at - begun) / steps, at - (steps - 1) * step) - killed
                return True
            before.append((at, done))
            return False

        watch.watch(service.port, job, until)
        self.lost = max(0, reached - self.resumed_at)


def long_job(architecture):
    return digits_job(architecture, attack_steps=7)


def measure(service, architecture, kills, chance):
    with service.connection() as connection:
        job = submitted(connection, long_job(architecture))
    watch, found, step, failed = Watch(), [], 0, 0
    while len(found) < kills:
        with service.connection() as connection:
            state = connection.get(f"/v1/jobs/{job}").json()
            if state["terminal"]:
                say(f"the job has ended as {state['state']}: {state['reason']} Another takes its place.")
                job, watch, failed = submitted(connection, long_job(architecture)), Watch(), failed + 1
                if failed > kills:
                    raise SystemExit("jobs do not survive a kill")
        reached, step = train(watch, service.port, job, chance.uniform(1.5, 4))
        try:
            found.append(Resumption(service, watch, job, reached, step))
        except (SystemExit, ConnectionError) as fault:
            with service.connection() as connection:
                if not connection.get(f"/v1/jobs/{job}").json()["terminal"]:
                    raise
            say(f"{fault}")
            continue
        say(f"{architecture}, kill {len(found)}: {found[-1].next:.3f} s")
    with service.connection() as connection:
        connection.request("POST", f"/v1/jobs/{job}/cancel")
        wait_until(connection, job, lambda now: now["terminal"])
    return found, step, failed


def add(table, architecture, found, step, failed):
    def row(name, values, unit="s"):
        values = [value for value in values if value is not None]
        text = f"median {statistics.median(values):.3f} {unit}  ({min(values):.3f} to {max(values):.3f})" if values else "none"
        table.add(f"{architecture}: {name}", text)

    row("SIGKILL to the next training step", [each.next for each in found])
    row("SIGKILL to /readyz", [each.ready for each in found])
    row("SIGKILL to the job's state running", [each.running for each in found])
    row("SIGKILL to its first progress", [each.first for each in found])
    row("start-up to /readyz", [each.start_up for each in found])
    row("a training step", [step])
    row("steps to do again", [each.lost for each in found], "")
    table.add(f"{architecture}: jobs that a kill ended", str(failed), "0", failed == 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--architectures", default="madry_cnn,preact_resnet18")
    parser.add_argument("--log", help="the server's log; a temporary file without it")
    options = parser.parse_args()
    chance, table = random.Random(0), Table(f"{options.kills} kills each")
    with Service(options.temper, log=options.log) as service:
        def measure_all():
            for architecture in options.architectures.split(","):
                add(table, architecture, *measure(service, architecture, options.kills, chance))

        code = table.complete(measure_all)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
