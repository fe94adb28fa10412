#!/usr/bin/env python3
"""RssAnon of the service against what was planned: while it idles, takes uploads, runs jobs one by one, and does all of it at once.

    Tests/Benchmarks/memory.py [--temper PATH] [--scale 1]

What is planned for a job is `estimate.peak_bytes` of `?validate_only=true`, the process with this job alone; for an idle process, that of the
smallest job there is. RssAnon is sampled every 20 ms.
"""
import argparse
import threading
import time

import archives
from crowd import Crowd
from service import Service, submitted
from table import Table, mebibytes, say

SAMPLE_SECONDS = 0.02
ROOM_SHARE, ROOM_BYTES = 0.1, 32 << 20


class Peak(threading.Thread):
    """The most RssAnon since the last `take`."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.most, self.ended = service, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(SAMPLE_SECONDS):
            self.most = max(self.most, self.service.anonymous_memory())

    def take(self):
        most, self.most = max(self.most, self.service.anonymous_memory()), 0
        return most

    def stop(self):
        self.ended.set()
        self.join()


class Uploads:
    """Uploads of several archives at once; where the service asks to wait, they wait."""

    def __init__(self, service, files):
        self.service, self.ids, self.statuses = service, {}, []
        self.threads = [threading.Thread(target=self._send, args=(name, path)) for name, path in files]
        for thread in self.threads:
            thread.start()

    def _send(self, name, path):
        end, body = time.monotonic() + 120, path.read_bytes()
        with self.service.connection(120) as connection:
            while time.monotonic() < end:
                try:
                    answer = connection.request("POST", f"/v1/datasets?name={name}&format=npz", body, content_type="application/octet-stream")
                except OSError:
                    self.statuses.append("no answer")
                    return
                self.statuses.append(answer.status)
                if answer.status == 201:
                    self.ids[name] = answer.json()["id"]
                if answer.status not in (429, 503):
                    return
                time.sleep(0.25)

    def finish(self):
        for thread in self.threads:
            thread.join()
        return self.ids

    def summary(self):
        return ", ".join(f"{self.statuses.count(status)} × {status}" for status in dict.fromkeys(self.statuses))


def job(dataset, architecture, limit=None, method="pgd", **model):
    training = {"method": method, "base_epochs": 0, "epochs": 1, "optimizer": {"name": "sgd", "learning_rate": 0.001}}
    if method != "standard":
        training["attack"] = {"name": "pgd", "steps": 2}
    return {"dataset": {"id": dataset, "limit": limit}, "model": {"architecture": architecture, **model},
            "threat": {"norm": "linf", "epsilon": 0.1}, "training": training,
            "evaluation": {"samples": 64, "attacks": [{"name": "fgsm"}], "curve": []}}


def jobs(ids):
    """What the hammer trains, by name."""
    floats, pixels, zeros = ids["float"], ids["uint8"], ids["zeros-0"]
    return {
        "linear, float, all": job(floats, "linear"),
        "linear, float, limit 5000": job(floats, "linear", 5000),
        "lenet, float, limit 3000": job(floats, "lenet", 3000),
        "madry_cnn, float, limit 1000": job(floats, "madry_cnn", 1000),
        "mlp, uint8, all": job(pixels, "mlp", method="standard"),
        "lenet, uint8, limit 5000": job(pixels, "lenet", 5000),
        "madry_cnn, float, limit 1000, trades": job(floats, "madry_cnn", 1000, "trades"),
        "preact_resnet18, uint8, limit 256, trades": job(pixels, "preact_resnet18", 256, "trades"),
        "preact_resnet18, uint8, limit 256": job(pixels, "preact_resnet18", 256, "standard"),
        "linear, 300 MiB of uint8, all": job(zeros, "linear", method="standard"),
        "linear, 300 MiB of uint8, limit 100000": job(zeros, "linear", 100_000, "standard"),
        "mlp, 300 MiB of uint8, limit 20000": job(zeros, "mlp", 20_000, "standard"),
        "resnet18, digits": job("digits", "resnet18", method="standard"),
    }


def planned(connection, spec):
    """Bytes of the process with this job alone."""
    answer = connection.post("/v1/jobs?validate_only=true", spec)
    if answer.status != 200:
        raise SystemExit(f"a spec was refused with {answer.status}: {answer.body[:300].decode(errors='replace')}")
    return answer.json()["estimate"]["peak_bytes"]


def room(plan):
    return max(plan * ROOM_SHARE, ROOM_BYTES)


def add(table, name, seen, plan, note="", both=False):
    """A row; with `both`, a plan that is far too high breaks the bound as well."""
    off = seen - plan
    holds = off <= room(plan) and (not both or -off <= room(plan))
    figure = f"{mebibytes(seen):>10} of {mebibytes(plan):>10} planned, {off / (1 << 20):+8.1f} MiB"
    table.add(name, figure, f"within {mebibytes(room(plan))}{note}", holds)


def fail_if_hung(crowd):
    if crowd.hung_after is not None:
        raise TimeoutError(f"no answer to /healthz for {crowd.hung_after:.0f} s")


def run_alone(service, connection, spec, limit):
    """Runs one job with a few followers. Returns the job at its end."""
    name = submitted(connection, spec)
    crowd = Crowd(service.port, name)
    crowd.join(waiters=4, streams=4, pollers=8, seconds=0.1)
    end = time.monotonic() + limit
    try:
        while time.monotonic() < end:
            crowd.run(time.monotonic() + 0.1)
            fail_if_hung(crowd)
            now = connection.get(f"/v1/jobs/{name}").json()
            if now["terminal"]:
                return now
    finally:
        crowd.leave()
        crowd.disperse()
    raise SystemExit(f"a job did not end within {limit} s")


def run_together(service, connection, specs, files, plans, idle, limit):
    """Submits all jobs at once and uploads meanwhile. Returns the most that was planned for running jobs at a time, the ends, the uploads."""
    names = {submitted(connection, spec): title for title, spec in specs.items()}
    crowd = Crowd(service.port, next(iter(names)))
    crowd.join(waiters=4, streams=4, pollers=16, seconds=0.1)
    uploads, most, end, ends = Uploads(service, files), 0, time.monotonic() + limit, {}
    while len(ends) < len(names) and time.monotonic() < end:
        crowd.run(time.monotonic() + 0.05)
        fail_if_hung(crowd)
        page = connection.get("/v1/jobs?limit=200").json()["data"]
        ends = {each["id"]: each["state"] for each in page if each["terminal"] and each["id"] in names}
        running = [each["id"] for each in page if each["state"] in ("running", "cancelling", "pausing") and each["id"] in names]
        most = max(most, idle + sum(plans[names[each]] - idle for each in running))
    crowd.leave()
    crowd.disperse()
    uploads.finish()
    return most, ends, uploads


def measure(service, options, table):
    files = {"float": service.folder / "float.npz", "uint8": service.folder / "uint8.npz", "zeros": service.folder / "zeros.npz"}
    say("writing archives")
    archives.float_images(files["float"], int(20_000 * options.scale) // 100 * 100, 1000)
    archives.byte_images(files["uint8"], int(60_000 * options.scale) // 100 * 100, 1000)
    archives.zeros(files["zeros"], int(400_000 * options.scale) // 100 * 100, 1000)
    connection, peak = service.connection(30), Peak(service)
    time.sleep(1)
    at_start = peak.take()
    idle = planned(connection, job("digits", "linear", method="standard"))
    add(table, "idle, at the start", at_start, idle)
    peak.take()

    say("uploads")
    ids = {}
    for title, names in (("float", ["float"]), ("uint8", ["uint8"]), ("zeros", [f"zeros-{number}" for number in range(8)])):
        uploads = Uploads(service, [(name, files[title]) for name in names])
        ids |= uploads.finish()
        size = mebibytes(files[title].stat().st_size)
        add(table, f"{len(names)} × upload of {size}, {title}", peak.take(), idle, f"; answers {uploads.summary()}")
    if missing := {"float", "uint8", "zeros-0"} - ids.keys():
        raise SystemExit(f"an upload was not taken: {', '.join(sorted(missing))}")

    specs, plans = jobs(ids), {}
    for title, spec in specs.items():
        say(title)
        plans[title] = planned(connection, spec)
        peak.take()
        end = run_alone(service, connection, spec, options.limit)
        add(table, title, peak.take(), plans[title], "" if end["state"] == "succeeded" else f"; {end['state']}: {end['reason']}", both=True)
        if end["state"] != "succeeded":
            table.add(f"{title}, its end", end["state"], "succeeded", False)
    add_after(table, "idle, 5 s after the jobs", peak, idle)

    say("all at once, two jobs at a time")
    service.stop()
    budget = int(1.25 * max(plans.values()))
    service.config |= {"workers": 2, "memory_budget": budget}
    service.start()
    connection.close()
    connection = service.connection(30)
    peak.take()
    crowded = [(f"more-{number}", files[name]) for number, name in enumerate(["zeros"] * 8 + ["float"] * 2 + ["uint8"] * 2)]
    most, ends, uploads = run_together(service, connection, specs, crowded, plans, idle, options.limit * 3)
    seen = peak.take()
    add(table, "all at once, of the jobs that ran together", seen, most)
    add(table, "all at once, of memory_budget", seen, budget, f"; answers {uploads.summary()}")
    table.add("jobs of it that succeeded", f"{list(ends.values()).count('succeeded')} of {len(specs)}", "all",
              list(ends.values()).count("succeeded") == len(specs))
    add_after(table, "idle, 5 s after all of it", peak, idle)
    peak.stop()


def add_after(table, name, peak, idle):
    time.sleep(5)
    peak.take()
    time.sleep(0.5)
    add(table, name, peak.take(), idle)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--scale", type=float, default=1, help="of the counts of images")
    parser.add_argument("--limit", type=float, default=120, help="seconds for a job")
    parser.add_argument("--log", help="the server's log; a temporary file without it")
    options = parser.parse_args()
    table = Table("RssAnon against the plan")
    with Service(options.temper, log=options.log) as service:
        code = table.complete(lambda: measure(service, options, table))
    raise SystemExit(code)


if __name__ == "__main__":
    main()
