#!/usr/bin/env python3
"""A hundred thousand jobs of twenty owners in history: what submit, get and list take, and how long retention of most of them holds up a submit.

    Tests/Benchmarks/housekeeping.py [--temper PATH] [--history 100000] [--owners 20] [--samples 300]

The history is written into the database of a stopped service, copied from one job of each owner. Old are nine tenths of it, which the rules
of retention then take, while jobs are submitted.
"""
import argparse
import json
import random
import sqlite3
import subprocess
import threading
import time

from lists import expect, synced_writes
from service import Service
from table import Table, milliseconds, percentile, say

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
DAY = 86_400_000


def identifier(kind, moment, chance):
    """An id as Temper makes them: 48 bits of milliseconds, 80 random ones."""
    value = moment << 80 | chance.getrandbits(80)
    return kind + "_" + "".join(DIGITS[value >> shift & 31] for shift in range(125, -1, -5))


def small_job(number):
    return {"dataset": {"id": "digits"}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": 0.1},
            "training": {"method": "pgd", "epochs": 3}, "name": f"job-{number}", "labels": {"branch": "main"}}


def make_token(service, owner, role="submit"):
    """Of a role that sees the owner's own jobs alone, or of one that may do all."""
    done = subprocess.run(
        [service.temper, "token", "create", "--name", owner, "--role", role, "--data", service.data], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write_history(service, options, chance):
    """Copies the cancelled job of each owner, nine of ten with an end long ago."""
    database = sqlite3.connect(service.data / "temper.sqlite")
    database.execute("PRAGMA synchronous = OFF")
    columns = [row[1] for row in database.execute("PRAGMA table_info(jobs)")]
    templates = [dict(zip(columns, row)) for row in database.execute("SELECT * FROM jobs ORDER BY position")]
    now = int(time.time() * 1000)
    place = database.execute("SELECT max(position) FROM jobs").fetchone()[0]
    order = database.execute("SELECT max(position) FROM event_order").fetchone()[0]
    database.execute("UPDATE jobs SET position = position + ?", (options.history,))
    known = []
    for number in range(options.history):
        moment = now - (200 - 190 * number // options.history) * DAY if number < options.history * 9 // 10 else now - DAY + number
        job = identifier("job", moment, chance)
        known.append(job)
        row = {**templates[number % len(templates)], "id": job, "position": number + 1, "created_at": moment, "finished_at": moment}
        database.execute(f"INSERT INTO jobs ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})", [row[name] for name in columns])
        for step, state in enumerate(("queued", "cancelled"), 1):
            database.execute("INSERT INTO transitions VALUES (?, ?, ?, ?, NULL)", (job, step, state, moment))
            database.execute("INSERT INTO events VALUES (?, ?, 'state', ?, ?)", (job, step, moment, json.dumps({"state": state, "attempt": 1})))
            order += 1
            database.execute("INSERT INTO event_order VALUES (?, ?, ?)", (order, job, step))
    database.commit()
    database.close()
    assert place <= len(templates)
    return known


class Submitter(threading.Thread):
    """Submits and cancels a job again and again, so that the queue stays short, and notes what each submit took."""

    def __init__(self, service, token):
        super().__init__()
        self.service, self.token, self.stop, self.seconds = service, token, threading.Event(), []

    def run(self):
        number = 0
        with self.service.connection() as connection:
            while not self.stop.is_set():
                number += 1
                answer = submit(connection, self.token, number)
                self.seconds.append(answer.seconds)
                cancel(connection, self.token, answer.json()["id"])
                time.sleep(0.02)


def submit(connection, token, number):
    body = json.dumps(small_job(number)).encode()
    return expect(connection.request("POST", "/v1/jobs", body, content_type="application/json", authorization=f"Bearer {token}"), 201)


def cancel(connection, token, job):
    expect(connection.request("POST", f"/v1/jobs/{job}/cancel", authorization=f"Bearer {token}"), 202)


def get(connection, path, token):
    return expect(connection.get(path, authorization=f"Bearer {token}"), 200)


def add_figures(table, service, connection, tokens, options, when, known):
    chance = random.Random(1)
    owned = [(known[number], tokens[number % len(tokens)]) for number in chance.sample(range(len(known)), options.samples)]
    table.latencies(f"get, {when}", [get(connection, f"/v1/jobs/{job}", token).seconds for job, token in owned], 0.02)
    for tail in ("", "&state=cancelled", "&label.branch=main"):
        seconds = [get(connection, f"/v1/jobs?limit=200{tail}", chance.choice(tokens)).seconds for _ in range(options.samples)]
        table.latencies(f"list of an owner{tail}, {when}", seconds, 0.02)
    table.latencies(f"quota, {when}", [get(connection, "/v1/quota", token).seconds for token in tokens])
    synced = synced_writes(service.folder, options.samples, in_place=True)
    seconds = []
    for number in range(options.samples):
        token = chance.choice(tokens)
        answer = submit(connection, token, number)
        seconds.append(answer.seconds)
        cancel(connection, token, answer.json()["id"])
    table.latencies(f"4 KiB and fdatasync, in place, {when}", synced)
    table.latencies(f"submit, {when}", seconds)
    bound, slow = 3 * percentile(synced, 0.99) + 0.01, percentile(seconds, 0.99)
    table.add(f"submit p99, {when}", milliseconds(slow), f"< 3 × p99 of fdatasync + 10 ms = {milliseconds(bound)}", slow < bound)
    return max(seconds)


def count_jobs(service, which="1"):
    database = sqlite3.connect(f"file:{service.data / 'temper.sqlite'}?mode=ro", uri=True)
    count = database.execute(f"SELECT count(*) FROM jobs WHERE {which}").fetchone()[0]
    database.close()
    return count


def add_retention(table, service, tokens, options, usual):
    """Has the old jobs go while another thread submits. The service does so by itself once it has rules."""
    before = count_jobs(service)
    submitter = Submitter(service, tokens[0])
    submitter.start()
    begun, left = time.monotonic(), None
    # Read beside the service: to plan what would go is work that would slow the submits that are measured.
    while left != 0 and time.monotonic() - begun < 1800:
        time.sleep(5)
        left = count_jobs(service, "finished_at < 1000 * (unixepoch() - 5 * 86400)")
        say(f"{left} left after {time.monotonic() - begun:.0f} s")
    submitter.stop.set()
    submitter.join()
    old, gone = options.history * 9 // 10, before + len(submitter.seconds) - count_jobs(service)
    table.add("retention, while another submits", f"{time.monotonic() - begun:.0f} s", "none of the old jobs is left", left == 0)
    table.add("jobs that went since the first look", f"{gone}", f"none but the {old} old ones", 0 < gone <= old)
    table.latencies("submit, during retention", submitter.seconds)
    for longest in sorted(enumerate(submitter.seconds), key=lambda entry: -entry[1])[:5]:
        say(f"submit {longest[0] + 1} of {len(submitter.seconds)} took {milliseconds(longest[1])}")
    longest = max(submitter.seconds)
    table.add("longest submit during retention", milliseconds(longest), f"< longest without + 50 ms = {milliseconds(usual + 0.05)}",
              longest < usual + 0.05)


def measure(service, options, table):
    chance = random.Random(0)
    service.stop()
    tokens = [make_token(service, f"owner-{number}") for number in range(options.owners)]
    admin = make_token(service, "operator", "admin")
    service.start()
    with service.connection() as connection:
        expect(connection.request("POST", "/v1/pause", authorization=f"Bearer {admin}"), 200)
        for number, token in enumerate(tokens):
            cancel(connection, token, submit(connection, token, number).json()["id"])
    service.stop()
    say(f"writing {options.history} jobs")
    known = write_history(service, options, chance)
    seconds = service.start()
    table.add("start-up to /readyz", f"{seconds:.3f} s", "< 2 s", seconds < 2)
    with service.connection() as connection:
        usual = add_figures(table, service, connection, tokens, options, "100 % of the history", known)
    bytes_before = (service.data / "temper.sqlite").stat().st_size
    service.stop()
    service.config["retention"] = {"job_days": 5}
    service.start()
    add_retention(table, service, tokens, options, usual)
    with service.connection() as connection:
        add_figures(table, service, connection, tokens, options, "10 % of it left", known[options.history * 9 // 10 + 100:])
    say("waiting for the disk's space")
    begun = time.monotonic()
    while (after := (service.data / "temper.sqlite").stat().st_size) >= bytes_before / 2 and time.monotonic() - begun < 600:
        time.sleep(1)
    table.add(f"the database, before and {time.monotonic() - begun:.0f} s after", f"{bytes_before >> 20} MiB, {after >> 20} MiB", "< a half",
              after < bytes_before / 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--history", type=int, default=100_000)
    parser.add_argument("--owners", type=int, default=20)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--log", help="the server's log; a temporary file without it")
    options = parser.parse_args()
    table = Table(f"{options.history} jobs of {options.owners} owners in history")
    config = {"limits": {"queued_jobs": 10_000_000}}
    with Service(options.temper, config, options.log) as service:
        code = table.complete(lambda: measure(service, options, table))
    raise SystemExit(code)


if __name__ == "__main__":
    main()
