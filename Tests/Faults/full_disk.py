#!/usr/bin/env python3
"""A full disk: at every kind of write, the right answer while it lasts, and everything goes on when there is room.

A small tmpfs is filled by a stranger's file: before a submit and an upload, within an upload, while a job trains (with a little room left,
another little each time, so that it is another write that finds none), right before its end, before a cancel and a delete, and across a
SIGKILL; and while `temper run` works without a service. Skips where it may not mount.

    Tests/Faults/full_disk.py [--temper PATH] [--pulses N]
"""
import argparse
import atexit
import json
import os
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from faults import (
    TEMPER, Client, Service, Tally, Unavailable, comparable, differences, end_on_signals, outcome, say, scratch, sha256)
from inputs import npz, spec

SIZE = 64 << 20
PAGE = 4096
# How much is left free when the disk is filled around a job that trains.
LEFT = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]


class Disk:
    """A tmpfs of our own."""

    def __init__(self):
        self.path = scratch("disk")
        self.filler = os.path.join(self.path, "filler")

    def mount(self):
        """Returns why it cannot be, or None."""
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", self.path], capture_output=True, text=True)
        if done.returncode == 0:
            atexit.register(self.unmount)
            return None
        return done.stderr.strip() or "mount failed"

    def unmount(self):
        subprocess.run(["umount", "-l", self.path], capture_output=True)

    def fill(self, pages=0):
        """Takes all the room but so many pages."""
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(64 * PAGE))
            except OSError:
                pass
            try:
                while True:
                    file.write(bytes(PAGE))
            except OSError:
                pass
            file.truncate(max(0, file.tell() - pages * PAGE))

    def empty(self):
        if os.path.exists(self.filler):
            os.remove(self.filler)


def long_job(seed=3):
    return spec(name="long", epochs=40, limit=None, training={"attack": {"name": "pgd", "steps": 10}}, seed=seed)


def short_job(seed=4):
    return spec(name="short", epochs=2, limit=200, seed=seed)


def expected_outcomes(temper):
    """What the jobs leave on a disk with room."""
    service = Service(temper, os.path.join(scratch("roomy"), "data"))
    if service.start() is None:
        raise SystemExit(f"the service does not start: {service.log()[-3:]}")
    client, found = Client(service), {}
    for name, made in (("long", long_job()), ("short", short_job())):
        job = client.submit(made)
        if (client.wait(job) or {}).get("state") != "succeeded":
            raise SystemExit(f"the job {name} does not succeed on a disk with room")
        found[name] = outcome(client, job)
    found["model"] = client.insist("GET", f"/v1/jobs/{job}/checkpoints/last").body
    service.stop()
    return found


class Trial:
    """One service on a full disk; `name` stands before each check."""

    def __init__(self, name, arguments, disk, tally, expected, config=None):
        self.name, self.disk, self.tally, self.expected = name, disk, tally, expected
        self.pulse_count = arguments.pulses
        self.service = Service(arguments.temper, os.path.join(disk.path, "data-" + name.replace(" ", "-")), config=config)
        self.client = Client(self.service)

    def check(self, what, problems=(), note=""):
        self.tally.check(f"{self.name}: {what}", [problem for problem in problems if problem], note)

    def run(self):
        if self.service.start() is None:
            log = self.service.log()
            if any("storage" in str(line) for line in log):
                return self.tally.skip(self.name, "the service does not know storage.reserve_bytes")
            return self.check("the service starts", [str(log[-3:])])
        self.finished = self.submit_and_wait(short_job(), "short")
        for scenario in (
            self.while_training, self.within_an_upload, self.with_little_room, self.before_the_end, self.before_a_cancel,
            self.before_a_delete, self.across_a_kill):
            self.room()
            say(f"{self.name}: {scenario.__name__.replace('_', ' ')}")
            try:
                scenario()
            except (Unavailable, AssertionError) as error:
                self.check(scenario.__name__.replace("_", " "), [f"{type(error).__name__} {error}; {self.service.faults[-2:]}"])
            if self.service.process.poll() is not None:
                self.check("the process lives", [f"it ended with status {self.service.process.returncode}"])
                self.service.start()
        self.room()
        self.check("nothing hangs and no answer is a server's fault", self.service.faults_of("hang", "broken", "status"))
        self.check("an ordered stop ends well", [f"exit status {status}" for status in [self.service.stop()] if status != 0])

    # MARK: Steps

    def room(self):
        """Frees the disk and waits for the service to notice."""
        self.disk.empty()
        return self.reaches("/readyz", 200, 20)

    def reaches(self, path, status, seconds):
        """A fault when a path is not answered like that within the time."""
        end, answer = time.monotonic() + seconds, None
        while time.monotonic() < end:
            try:
                answer = self.client.get(path)
                if answer.status == status:
                    return None
            except Unavailable:
                pass
            time.sleep(0.1)
        return f"{path} is answered {answer!r} after {seconds} s, not {status}"

    def submit_and_wait(self, made, name):
        job = self.client.submit(made)
        state = self.client.wait(job, 120) or {}
        problem = None if state.get("state") == "succeeded" else f"{state.get('state')}: {state.get('reason')}"
        self.check(f"the {name} job succeeds on a disk with room", [problem])
        return job

    def running(self, made):
        """A job that has done some work."""
        job = self.client.submit(made)
        if not self.client.wait(job, 60, lambda value: value["progress"]["fraction"] > 0.05):
            raise AssertionError(f"{job} does not begin")
        return job

    def refusal(self, answer, what):
        """A fault unless an answer says that the storage is full."""
        kind = answer.headers.get("Content-Type", "")
        if answer.status == 507 and answer.problem == "storage_full" and kind.startswith("application/problem+json"):
            return None
        return f"{what} is answered {answer!r} as {kind}"

    def end(self, job, name=None):
        """Faults of a job that should now come to its end, with the bits of the undisturbed one."""
        state = self.client.wait(job, 60)
        if state is None:
            value = self.client.insist("GET", f"/v1/jobs/{job}").json
            return [f"{job} is {value.get('state')} still, at {value.get('progress')}"]
        if state["state"] != "succeeded":
            return [f"{job} is {state['state']}: {state['reason']}"]
        if name is None:
            return []
        left, wanted = outcome(self.client, job), dict(self.expected[name])
        # That it waited for room is a warning more, and rightly so.
        for one in (left, wanted):
            one.pop("warnings")
            one["report"] = {key: value for key, value in one["report"].items() if key != "warnings"}
        return differences(wanted, left)

    def upload(self, kind, slices=None):
        content = npz(8, 300, 60) if kind == "datasets" else self.expected["model"]
        form = "npz" if kind == "datasets" else "safetensors"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
        body = slow(content, slices) if slices else content
        return self.client.call("POST", f"/v1/{kind}?name=full&format={form}", body, headers, timeout=30)

    # MARK: Scenarios

    def while_training(self):
        job = self.running(long_job())
        self.disk.fill()
        self.check("/readyz says 503 while the disk is full", [self.reaches("/readyz", 503, 15)])
        answers = [self.refusal(self.client.call("POST", "/v1/jobs", short_job(9)), "a submit")]
        answers += [self.refusal(self.upload(kind), f"an upload to {kind}") for kind in ("datasets", "models")]
        self.check("a submit and uploads are answered 507", answers)
        self.check("a spec can be validated", [self.other("POST", "/v1/jobs?validate_only=true", short_job(9))])
        paths = ["/healthz", "/v1/jobs", f"/v1/jobs/{job}", "/v1/datasets", "/v1/models", f"/v1/jobs/{job}/metrics", "/metrics"]
        paths += [f"/v1/jobs/{self.finished}/{part}" for part in ("report", "gate", "metrics", "checkpoints", "checkpoints/last")]
        self.check("what is there can be read", [self.other("GET", path) for path in paths])
        warned = self.client.wait(job, 20, lambda value: value["terminal"] or "disk_full" in [each["code"] for each in value["warnings"]])
        problem = None if warned else "there is no warning disk_full in 20 s"
        if warned and warned["terminal"]:
            problem = f"the job is {warned['state']}: {warned['reason']}"
        self.check("the job waits and says so", [problem])
        self.check("/readyz says 200 when there is room", [self.room()])
        self.check("the job that waited ends in the same bits", self.end(job, "long"))
        self.check("a submit is taken again", self.end(self.client.submit(short_job()), "short"))

    def other(self, method, path, body=None):
        answer = self.client.call(method, path, body)
        return None if answer.status == 200 else f"{method} {path} is answered {answer!r}"

    def within_an_upload(self):
        """The disk fills up while a body is on its way."""
        for kind in ("datasets", "models"):
            timer = threading.Timer(0.3, self.disk.fill)
            timer.start()
            answer = self.upload(kind, slices=30)
            timer.join()
            problem = self.refusal(answer, f"an upload to {kind}")
            self.room()
            again = self.upload(kind)
            self.check(f"{kind}: full within the upload", [problem, None if again.status == 201 else f"with room it is answered {again!r}"])
        left = os.listdir(os.path.join(self.service.data, "incoming"))
        self.check("nothing is left of the uploads", [f"incoming/{name} is there" for name in left])

    def with_little_room(self):
        """Another write finds no room each time: a checkpoint, a state to go on from, metrics, the store's own log."""
        job = self.running(long_job())
        made = 0
        for pages in LEFT[:self.pulse_count]:
            value = self.client.insist("GET", f"/v1/jobs/{job}").json
            if value["terminal"]:
                break
            self.disk.fill(pages)
            time.sleep(0.5)
            self.disk.empty()
            time.sleep(0.2)
            made += 1
        self.check("the disk is full now and then", self.end(job, "long"), f"{made} times")

    def before_the_end(self):
        """The last writes of a job find no room: its report, its end."""
        problems = []
        for pages in (0, 2, 16):
            job = self.client.submit(long_job())
            self.client.wait(job, 120, lambda value: value["progress"]["fraction"] > 0.9 or value["terminal"])
            self.disk.fill(pages)
            time.sleep(2)
            value = self.client.insist("GET", f"/v1/jobs/{job}").json
            if value["state"] == "failed":
                problems.append(f"{job} is failed: {value['reason']}")
            self.room()
            problems += self.end(job, "long")
        self.check("the end of a job is stored when there is room", problems)

    def before_a_cancel(self):
        """One that runs and one that waits are cancelled."""
        running, waiting = self.running(long_job(5)), self.client.submit(long_job(6))
        self.disk.fill()
        time.sleep(1)
        answers = {job: self.client.call("POST", f"/v1/jobs/{job}/cancel") for job in (waiting, running)}
        problems = [self.refusal(answer, "a cancel") for answer in answers.values() if answer.status != 202]
        time.sleep(2)
        self.room()
        for job, answer in answers.items():
            if answer.status != 202:
                self.client.insist("POST", f"/v1/jobs/{job}/cancel")
            state = self.client.wait(job, 30)
            value = self.client.insist("GET", f"/v1/jobs/{job}").json
            problems.append(None if state and state["state"] == "cancelled" else f"{job} is {value['state']}")
        self.check("a cancel is refused or carried out", problems, ", ".join(str(answer.status) for answer in answers.values()))

    def before_a_delete(self):
        job = self.client.submit(short_job(11))
        self.client.wait(job, 60)
        self.disk.fill()
        time.sleep(1)
        answer = self.client.call("DELETE", f"/v1/jobs/{job}")
        problems = [None if answer.status == 204 else self.refusal(answer, "a delete")]
        self.room()
        if answer.status != 204:
            again = self.client.call("DELETE", f"/v1/jobs/{job}")
            problems.append(None if again.status == 204 else f"with room it is answered {again!r}")
        gone = self.client.get(f"/v1/jobs/{job}")
        problems.append(None if gone.status == 404 else f"the deleted job is answered {gone!r}")
        self.check("a delete is refused or carried out", problems, str(answer.status))

    def across_a_kill(self):
        """A kill and a start while the disk is full: it starts, or says in words why it cannot."""
        job = self.running(long_job())
        self.disk.fill()
        time.sleep(1)
        self.service.kill()
        offset = self.service.log_size()
        self.service.launch()
        problems = []
        if self.reaches("/healthz", 200, 10):
            if self.service.process.poll() != 2 or not self.service.log(offset):
                problems.append(f"the start ends with {self.service.process.poll()}: {self.service.log(offset)[-2:]}")
            self.disk.empty()
            if self.service.process.poll() is not None:
                self.service.launch()
        # Until it is ready once more, a refused connection is no fault.
        problems.append(self.room())
        self.service.up = True
        self.check("a start on a full disk", problems + self.end(job, "long"))


class LocalRun:
    """`temper run` on a full disk."""

    def __init__(self, temper, disk, tally):
        self.temper, self.disk, self.tally = temper, disk, tally
        self.spec = os.path.join(scratch("local"), "spec.json")
        with open(self.spec, "w") as file:
            json.dump(long_job(), file)

    def check(self):
        roomy, small = os.path.join(scratch("roomy-run"), "out"), os.path.join(self.disk.path, "out")
        self.launch(roomy).communicate()
        process = self.launch(small)
        while not os.path.exists(os.path.join(small, "metrics.csv")) and process.poll() is None:
            time.sleep(0.02)
        self.disk.fill()
        time.sleep(3)
        problems = [] if process.poll() is None else [f"it ended with {process.returncode} while the disk was full"]
        self.disk.empty()
        said = process.communicate()[1]
        problems += [] if said.count("warning disk_full") == 1 else [f"it said {said[-300:]!r}"]
        problems += [] if process.returncode == 6 else [f"it ended with {process.returncode}"]
        problems += differences(self.left(roomy), self.left(small))
        self.tally.check("temper run waits while the disk is full, and ends as on one with room", problems)

    def launch(self, folder):
        command = [self.temper, "run", self.spec, "--out", folder]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def left(self, folder):
        found = {}
        for base, _, names in os.walk(folder):
            for name in names:
                with open(os.path.join(base, name), "rb") as file:
                    content = file.read()
                found[name] = comparable(json.loads(content)) if name == "report.json" else sha256(content)
        return found


def slow(content, count):
    size = -(-len(content) // count)
    for start in range(0, len(content), size):
        yield content[start:start + size]
        time.sleep(0.03)


def main():
    end_on_signals()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--temper", default=TEMPER)
    parser.add_argument("--pulses", type=int, default=len(LEFT))
    arguments, tally, disk = parser.parse_args(), Tally(), Disk()
    refused = disk.mount()
    if refused:
        tally.skip("a full disk", f"a tmpfs cannot be mounted here: {refused}")
        sys.exit(tally.finish())
    expected = expected_outcomes(arguments.temper)
    config = os.path.join(scratch("config"), "temper.yaml")
    with open(config, "w") as file:
        # A full disk has the service remove the states that jobs ended with, which would make room for the uploads.
        file.write("storage:\n  reserve_bytes: 0\n  succeeded_state_days: 0\n")
    Trial("the usual reserve", arguments, disk, tally, expected).run()
    disk.empty()
    Trial("no reserve", arguments, disk, tally, expected, config).run()
    disk.empty()
    LocalRun(arguments.temper, disk, tally).check()
    sys.exit(tally.finish())


if __name__ == "__main__":
    main()
