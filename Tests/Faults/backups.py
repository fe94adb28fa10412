#!/usr/bin/env python3
"""A backup every second while jobs train, and others are made, uploaded and deleted: each is restored, checked and run to its end.

Of each backup everything that was acknowledged before it began is there, nothing that was deleted before is, `temper fsck` finds it whole,
and a service that is started on it brings the jobs that ran to the same bytes as the one that was copied. Every other backup is made with
`--since` the first one.

    Tests/Faults/backups.py [--temper PATH] [--backups N] [--jobs N]
"""
import argparse
import os
import random
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from faults import TEMPER, Client, Service, Tally, Unavailable, differences, end_on_signals, outcome, say, scratch
from inputs import npz, spec


def long_job(number):
    return spec(name=f"long-{number}", architecture="mlp", epochs=40 + number % 7, seed=100 + number)


def short_job(number):
    return spec(name=f"short-{number}", architecture="linear", method="standard", base_epochs=0, epochs=1, limit=100, seed=number)


class Ledger:
    """What was acknowledged: each thing with when it was known to be there, when its deletion was asked for, and when that was answered."""

    def __init__(self):
        self.lock, self.made, self.leaving, self.gone = threading.Lock(), {}, {}, {}

    def note(self, table, thing):
        with self.lock:
            table[thing] = time.monotonic()

    def faults(self, begun, ended, present):
        """What a backup between two moments lacks, or has too much."""
        with self.lock:
            made, leaving, gone = dict(self.made), dict(self.leaving), dict(self.gone)
        lacking = [thing for thing, at in made.items() if at < begun and leaving.get(thing, ended + 1) > ended and thing not in present]
        left = [thing for thing, at in gone.items() if at < begun and thing in present]
        return [f"{thing} is missing" for thing in lacking] + [f"{thing} was deleted and is there" for thing in left]


def churn(service, ledger, stop, number, tally):
    """Makes and deletes data sets and short jobs until it is told to stop."""
    client, chance, count = Client(service), random.Random(number), 0
    try:
        while not stop.is_set():
            count += 1
            dataset = client.upload("datasets", npz(1_000 * number + count, train=40, test=20), name="churn")["id"]
            ledger.note(ledger.made, ("datasets", dataset))
            job = client.submit(short_job(1_000 * number + count))
            ledger.note(ledger.made, ("jobs", job))
            client.wait(job, 60)
            for kind, thing in (("datasets", dataset), ("jobs", job)):
                if chance.random() < 0.7:
                    ledger.note(ledger.leaving, (kind, thing))
                    answer = client.insist("DELETE", f"/v1/{kind}/{thing}")
                    if answer.status == 204:
                        ledger.note(ledger.gone, (kind, thing))
    except (Unavailable, AssertionError) as error:
        tally.check(f"churn {number}", [f"ended with {error!r}"])


def temper(options, *arguments):
    return subprocess.run([options.temper, *arguments], capture_output=True, text=True, timeout=300)


def back_up(options, service, folder, number):
    """Makes a backup. Returns its file, when it began and ended, and what went wrong."""
    path = os.path.join(folder, f"backup-{number}.tar")
    since = ["--since", os.path.join(folder, "backup-0.tar")] if number % 2 else []
    begun = time.monotonic()
    done = temper(options, "backup", path, *since, "--server", f"http://127.0.0.1:{service.port}")
    return path, begun, time.monotonic(), [] if done.returncode == 0 else [done.stderr.strip()]


def restore(options, folder, number):
    """Returns the restored folder, and what went wrong."""
    data = os.path.join(folder, f"restored-{number}")
    since = ["--since", os.path.join(folder, "backup-0.tar")] if number % 2 else []
    done = temper(options, "restore", os.path.join(folder, f"backup-{number}.tar"), "--data", data, *since)
    if done.returncode:
        return data, [done.stderr.strip()]
    check = temper(options, "fsck", "--data", data)
    return data, [] if check.returncode == 0 and "all whole" in check.stdout else [check.stdout.strip() or check.stderr.strip()]


def run_on(options, data, jobs, expected):
    """Starts a service on a restored folder, and lets its jobs end. Returns what is there, how many jobs were running, and what differs."""
    service = Service(options.temper, data, ["--workers", str(options.jobs)])
    if service.start() is None:
        return set(), 0, ["the service does not start"]
    client, faults, running = Client(service), [], 0
    present = {("jobs", job["id"]) for job in client.all("/v1/jobs")} | {("datasets", each["id"]) for each in client.all("/v1/datasets")}
    for job in jobs:
        if ("jobs", job) not in present:
            continue
        ended = client.wait(job, 300)
        running += ended is not None and ended["attempt"] > 1
        if ended is None or ended["state"] != "succeeded":
            faults.append(f"{job} {'did not end' if ended is None else 'is ' + ended['state']}")
        else:
            faults += [f"{job}: {each}" for each in differences(expected[job], outcome(client, job))]
    service.stop()
    return present, running, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=TEMPER)
    parser.add_argument("--backups", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=20)
    options = parser.parse_args()
    end_on_signals()
    folder, tally = scratch("backups"), Tally()
    service = Service(options.temper, os.path.join(folder, "data"), ["--workers", str(options.jobs)])
    if service.start() is None:
        raise SystemExit("the service did not start")
    client, ledger, stop = Client(service), Ledger(), threading.Event()
    jobs = [client.submit(long_job(number)) for number in range(options.jobs)]
    for job in jobs:
        ledger.note(ledger.made, ("jobs", job))
    churners = [threading.Thread(target=churn, args=(service, ledger, stop, number, tally)) for number in range(2)]
    for thread in churners:
        thread.start()
    made = []
    for number in range(options.backups):
        begun = time.monotonic()
        made.append(back_up(options, service, folder, number))
        say(f"backup {number}: {made[-1][2] - begun:.2f} s, {os.path.getsize(made[-1][0]) if os.path.exists(made[-1][0]) else 0} bytes")
        time.sleep(max(0, 1 - (time.monotonic() - begun)))
    stop.set()
    for thread in churners:
        thread.join()
    say("waiting for the jobs")
    ended = [client.wait(job, 600) for job in jobs]
    tally.check("the jobs of the copied service succeed", [f"{job}" for job, end in zip(jobs, ended) if not end or end["state"] != "succeeded"])
    expected = {job: outcome(client, job) for job in jobs}
    tally.check("the copied service has no fault", [text for _, text in service.faults])
    service.stop()
    for number, (path, begun, finished, faults) in enumerate(made):
        if not tally.check(f"backup {number} is made", faults):
            continue
        data, faults = restore(options, folder, number)
        if not tally.check(f"backup {number} is restored, and fsck finds it whole", faults):
            continue
        present, running, faults = run_on(options, data, jobs, expected)
        tally.check(f"backup {number} has what was acknowledged", ledger.faults(begun, finished, present))
        tally.check(f"the jobs of backup {number} end with the same bytes", faults, f"{running} of them went on from where they were")
    raise SystemExit(tally.finish())


if __name__ == "__main__":
    main()
