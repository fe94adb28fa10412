#!/usr/bin/env python3
"""A thousand jobs in the queue and ten thousand in history: what get, list, submit and start-up take.

    Tests/Benchmarks/lists.py [--temper PATH] [--history 10000] [--queued 1000] [--samples 500]

Measures while a job trains, and again while nothing does, once every job that waits is paused. A submit is held against fdatasync on the same
disk in the same minute.
"""
import argparse
import itertools
import os
import queue
import random
import threading
import time

from service import Service, digits_job, submitted, wait_until
from table import Table, milliseconds, percentile, say

PAGE = 200


def queued_job(number):
    return {"dataset": {"id": "digits"}, "model": {"architecture": "lenet"}, "threat": {"norm": "linf", "epsilon": 0.15},
            "training": {"method": "pgd", "epochs": 3}, "name": f"job-{number}", "labels": {"branch": "main", "number": str(number)}}


def expect(answer, *statuses):
    if answer.status not in statuses:
        raise SystemExit(f"answered with {answer.status}: {answer.body[:300].decode(errors='replace')}")
    return answer


def in_parallel(service, work, count, clients=12):
    """Does `work(connection, number)` for every number below `count`, several at a time. Returns what it returned."""
    numbers, results, faults = itertools.count(), queue.SimpleQueue(), queue.SimpleQueue()

    def client():
        try:
            with service.connection() as connection:
                while faults.empty() and (number := next(numbers)) < count:
                    results.put(work(connection, number))
        except (OSError, SystemExit) as fault:
            faults.put(fault)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not faults.empty():
        raise SystemExit(f"filling the store failed: {faults.get()}")
    return [results.get() for _ in range(results.qsize())]


def cancelled(connection, number):
    job = submitted(connection, queued_job(number))
    expect(connection.request("POST", f"/v1/jobs/{job}/cancel"), 202)
    return job


def synced_writes(folder, count, in_place):
    """Seconds that each fdatasync of 4 KiB takes, with its write: over the same bytes, or at the end of a growing file."""
    block, seconds = os.urandom(4096), []
    descriptor = os.open(folder / "synced", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.pwrite(descriptor, bytes(4096 * 1024), 0) if in_place else None
        os.fsync(descriptor)
        for number in range(count):
            begun = time.monotonic()
            os.pwrite(descriptor, block, 4096 * (number % 1024 if in_place else number))
            os.fdatasync(descriptor)
            seconds.append(time.monotonic() - begun)
    finally:
        os.close(descriptor)
    return seconds


def whole_history(connection):
    """Pages through all jobs. Returns the ids in their order, and the seconds of each page."""
    ids, seconds, path = [], [], f"/v1/jobs?limit={PAGE}"
    while True:
        answer = expect(connection.get(path), 200)
        seconds.append(answer.seconds)
        page = answer.json()
        ids += [job["id"] for job in page["data"]]
        if not page["has_more"]:
            return ids, seconds
        path = f"/v1/jobs?limit={PAGE}&after={page['last_id']}"


def add_reads(table, connection, samples, when, waiting, known):
    """Rows for get and list; none may miss, double or misplace a job."""
    chance = random.Random(0)
    table.latencies(f"get, {when}", [expect(connection.get(f"/v1/jobs/{chance.choice(known)}"), 200).seconds for _ in range(samples)], 0.02)
    for tail, name in (("", "newest"), (f"&state={waiting}", waiting), ("&state=cancelled", "cancelled"), ("&label.branch=main", "by label")):
        path = f"/v1/jobs?limit={PAGE}{tail}"
        seconds = [expect(connection.get(path), 200).seconds for _ in range(max(20, samples // 5))]
        table.latencies(f"list, limit {PAGE}, {name}, {when}", seconds, 0.02)
    ids, seconds = whole_history(connection)
    table.latencies(f"pages of the whole history, {when}", seconds, 0.02)
    right = ids == sorted(set(ids), reverse=True) and set(known) <= set(ids)
    table.add(f"jobs over all pages, {when}", str(len(ids)), f"{len(known)}, newest first, none twice", right and len(ids) == len(known))


def add_submits(table, service, connection, samples, when):
    """A row for submit. Returns the ids."""
    alternately, ids, taken = 5, [], {"in place": [], "appended": [], "submit": []}
    for number in range(alternately):
        taken["in place"] += synced_writes(service.folder, samples // alternately, in_place=True)
        taken["appended"] += synced_writes(service.folder, samples // alternately, in_place=False)
        for _ in range(samples // alternately):
            answer = expect(connection.post("/v1/jobs", queued_job(number)), 201)
            ids.append(answer.json()["id"])
            taken["submit"].append(answer.seconds)
    table.latencies(f"4 KiB and fdatasync, in place, {when}", taken["in place"])
    table.latencies(f"4 KiB and fdatasync, appended, {when}", taken["appended"])
    table.latencies(f"submit, {when}", taken["submit"])
    bound = 3 * percentile(taken["in place"], 0.99) + 0.01
    slow = percentile(taken["submit"], 0.99)
    table.add(f"submit p99, {when}", milliseconds(slow), f"< 3 × p99 of fdatasync in place + 10 ms = {milliseconds(bound)}", slow < bound)
    return ids


def restarts(service, end):
    """Seconds to be ready, after three ends of the process before."""
    seconds = []
    for _ in range(3):
        end()
        seconds.append(service.start())
    return seconds


def add_start_up(table, name, seconds):
    table.add(f"start-up to /readyz, {name}", "  ".join(f"{value:.3f} s" for value in seconds), "< 2 s", max(seconds) < 2)


def measure(service, options, table):
    with service.connection() as connection:
        long = submitted(connection, digits_job())
        say(f"submitting and cancelling {options.history} jobs")
        begun = time.monotonic()
        known = [long] + in_parallel(service, cancelled, options.history)
        say(f"submitting {options.queued} jobs, after {time.monotonic() - begun:.0f} s")
        known += in_parallel(service, lambda each, number: submitted(each, queued_job(number)), options.queued)
        table.add("filling the store", f"{time.monotonic() - begun:.0f} s")
        say("measuring while a job trains")
        add_reads(table, connection, options.samples, "training", "queued", known)
        more = add_submits(table, service, connection, options.samples, "training")
    say("starting anew")
    add_start_up(table, "after SIGTERM, training", restarts(service, service.stop))
    add_start_up(table, "after SIGKILL, training", restarts(service, service.kill))
    say("pausing every job")
    with service.connection() as connection:
        known += more
        waiting = known[options.history + 1 :]
        in_parallel(service, lambda each, number: expect(each.request("POST", f"/v1/jobs/{waiting[number]}/pause"), 202), len(waiting))
        expect(connection.request("POST", f"/v1/jobs/{long}/pause"), 202)
        wait_until(connection, long, lambda now: now["state"] == "paused")
        say("measuring while nothing trains")
        add_reads(table, connection, options.samples, "idle", "paused", known)
    add_start_up(table, "after SIGTERM, idle", restarts(service, service.stop))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--history", type=int, default=10_000)
    parser.add_argument("--queued", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--log", help="the server's log; a temporary file without it")
    options = parser.parse_args()
    table = Table(f"{options.queued} queued, {options.history} in history")
    with Service(options.temper, {"limits": {"queued_jobs": 10 * (options.queued + options.history)}}, options.log) as service:
        code = table.complete(lambda: measure(service, options, table))
    raise SystemExit(code)


if __name__ == "__main__":
    main()
