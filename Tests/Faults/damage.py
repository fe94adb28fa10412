#!/usr/bin/env python3
"""A flipped bit, a cut and a removal in each kind of file: detected, named and survived.

A data folder with a data set, a model, a finished job, a job paused in training and one paused in its evaluation is made once. Each trial
harms one file of a copy, looks at it with `temper fsck`, starts the service on it and uses everything. Prints a table and counts checks.

    Tests/Faults/damage.py [--seed S] [--only TEXT] [--temper PATH]
"""
import argparse
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
from faults import TEMPER, Client, Service, Tally, Unavailable, differences, end_on_signals, outcome, say, scratch, sha256
from sample import DATABASE, Sample, killed_copy, small_job

PAGES, PAGE_BYTES = 6, 4096


# MARK: Harm


def live_frames(path):
    """Where the frames of the log begin that hold commits not yet in the database, and how long a frame is (sqlite.org/fileformat2.html,
    section 4): those whose salts are the header's; behind them lies what an earlier round left."""
    with open(path, "rb") as file:
        content = file.read()
    size = 24 + struct.unpack(">I", content[8:12])[0]
    found = []
    for start in range(32, len(content) - size + 1, size):
        if content[start + 8:start + 16] != content[16:24]:
            break
        found.append(start)
    return found, size


def flip(path, at):
    """Flips one bit; `at` is a part of the file's length."""
    size = os.path.getsize(path)
    if size == 0:
        with open(path, "wb") as file:
            file.write(b"\x10")
        return
    place = min(size - 1, int(size * at))
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0x10]))


def cut(path, _):
    os.truncate(path, os.path.getsize(path) * 2 // 3)


def remove(path, _):
    os.remove(path)


def flip_frame(path, at):
    """Flips a bit in a live frame of the log; `at` is a part of their number."""
    frames, size = live_frames(path)
    place = frames[min(len(frames) - 1, int(len(frames) * at))] + size // 2
    flip(path, place / os.path.getsize(path))


def flip_page(path, at):
    """Flips a bit in the head of a page of the database, which says what the page is; `at` is a part of their number."""
    pages = os.path.getsize(path) // PAGE_BYTES
    flip(path, (min(pages - 1, int(pages * at)) * PAGE_BYTES + 0.5) / os.path.getsize(path))


def cut_frames(path, _):
    """Cuts the last third of the live frames."""
    frames, _ = live_frames(path)
    os.truncate(path, frames[len(frames) * 2 // 3])


def spoil(column, value):
    """Makes the row of a job one that cannot be read."""
    def harm(path, _):
        connection = sqlite3.connect(path)
        connection.execute(f"UPDATE jobs SET {column} = ? WHERE id = (SELECT min(id) FROM jobs)", (value,))
        connection.commit()
        connection.close()
    return harm


HARMS = {
    "a bit flipped": flip,
    "the last third cut off": cut,
    "removed": remove,
    "a bit flipped in the head of a page": flip_page,
    "a row with a state that there is not": spoil("state", "flying"),
    "a row with half a spec": spoil("spec", '{"name": '),
    "a bit flipped in the first commit": flip_frame,
    "a bit flipped in the middle": flip_frame,
    "a bit flipped in the last commit": flip_frame,
    "the last third of the commits cut off": cut_frames,
}
USUAL = ("a bit flipped", "the last third cut off", "removed")
# Of a cut at the end, and of a flip in the last commit, nothing tells that they are not a commit that the power failed under.
TOLD = ("a bit flipped in the first commit", "a bit flipped in the middle")


class Trial:
    """One harm to some files of a copy, and what is seen."""

    def __init__(self, sample, kind, harm, paths, at=0.6, killed=False):
        self.sample, self.kind, self.harm, self.paths, self.at, self.killed = sample, kind, harm, paths, at, killed
        self.problems, self.seen = [], []
        self.folder = os.path.join(scratch("trial"), "data")

    @property
    def is_file(self):
        return self.kind in ("data set", "model", "checkpoint", "report")

    def run(self):
        self.jobs = killed_copy(self.sample, self.folder) if self.killed else []
        if not self.killed:
            shutil.copytree(self.sample.folder, self.folder)
        self.digests = [sha256(self.sample.bytes(path)) for path in self.paths] if not self.killed else []
        for path in self.paths:
            HARMS[self.harm](os.path.join(self.folder, path), self.at)
        self.fsck()
        self.service = Service(self.sample.temper, self.folder)
        if self.service.start(20) is None:
            self.refused_to_start()
        else:
            self.client = Client(self.service)
            self.use()
        shutil.rmtree(os.path.dirname(self.folder), ignore_errors=True)

    @property
    def harms_the_latest_state(self):
        """An older one is not read when the latest is whole, so the service does not see what happened to it; fsck does."""
        states = [path for path in self.sample.files.get(self.kind, []) if path.endswith(".state")]
        return "state" in self.kind and max(states, key=self.sample.modified) in self.paths

    def see(self, text):
        self.seen.append(text)

    def fault(self, text):
        self.problems.append(text)

    # MARK: What looks at it

    def names_it(self, text):
        """Whether a text names a harmed thing: by its digest, its file, or the job that it belongs to."""
        parts = [part for path in self.paths for part in path.split("/") if "." in part or "_" in part]
        return any(name in text for name in self.digests + parts)

    def fsck(self):
        """On a copy: to open a database is to take over what its log holds."""
        copy = self.folder + "-fsck"
        shutil.copytree(self.folder, copy)
        done = subprocess.run([self.sample.temper, "fsck", "--data", copy], capture_output=True, text=True, timeout=120)
        text = done.stdout + done.stderr
        if done.returncode == 64 or "Usage:" in done.stderr:
            return self.see("no fsck")
        self.see(f"fsck {done.returncode}")
        if done.returncode not in (0, 1, 2):
            self.fault(f"fsck ended with {done.returncode}: {text[-300:]}")
        if self.is_file and (done.returncode != 1 or not self.names_it(text)):
            self.fault(f"fsck ended with {done.returncode} and said {text[-300:]!r}")
        if "state" in self.kind and self.harm != "removed" and (done.returncode != 1 or not self.names_it(text)):
            self.fault(f"fsck ended with {done.returncode} and said {text[-300:]!r}")
        if self.kind == "log of the database" and self.harm in TOLD and done.returncode != 1:
            self.fault(f"fsck ended with {done.returncode} and said {text[-300:]!r}")
        if self.kind in ("lock", "index of the log") and done.returncode != 0:
            self.fault(f"fsck ended with {done.returncode} for what holds nothing: {text[-300:]}")

    def refused_to_start(self):
        """In words, and for the database alone."""
        status, log = self.service.process.poll(), self.service.log()
        words = " ".join(str(line.get("message", line.get("text", line))) for line in log)
        self.see(f"does not start (exit {status})")
        if status is None:
            self.service.kill()
            self.fault("the service is not ready in 20 s")
        elif status != 2 or not words.strip():
            self.fault(f"the service ended with status {status} and said {words[-300:]!r}")
        elif DATABASE not in self.paths[0]:
            self.fault(f"the service does not start without need: {words[-300:]}")
        else:
            self.see("says: " + words.strip()[:110])

    # MARK: What uses it

    def use(self):
        self.see("starts")
        try:
            self.lists()
            getattr(self, "use_" + self.kind.split(" ")[-1], lambda: None)()
            self.unharmed()
            self.resume()
            self.lists()
        except (Unavailable, AssertionError) as error:
            self.fault(f"{type(error).__name__} {error}")
        self.problems += self.service.faults_of("hang", "broken", "status")
        if self.service.process.poll() is not None:
            self.fault(f"the process ended by itself with status {self.service.process.returncode}")
        elif self.service.stop() != 0:
            self.fault("it does not stop in order")
        self.look_at_the_log()

    def look_at_the_log(self):
        """What is harmed is named in the log; a cut at the end of the database's log cannot be told from commits that never were."""
        lines = [line for line in self.service.log() if str(line.get("level", "")) in ("warning", "error", "critical", "notice")]
        told = [line for line in lines if self.names_it(str(line)) or (self.kind == "log of the database" and "wal" in str(line).lower())]
        self.see("log: " + str(told[0].get("message"))[:70] if told else "log: nothing")
        must = self.is_file or (self.harms_the_latest_state and self.harm != "removed") or (
            self.kind == "log of the database" and self.harm in TOLD)
        if must and not told:
            self.fault("no line of the log names it")

    def lists(self):
        for path in ("/v1/jobs", "/v1/datasets", "/v1/models", f"/v1/jobs/{self.sample.job}", f"/v1/jobs/{self.sample.job}/checkpoints"):
            answer = self.client.get(path)
            if (answer.status != 200 or not answer.json) and not (answer.status == 410 and self.kind == "database"):
                self.fault(f"GET {path} is answered {answer!r}")

    def must_be_damaged(self, path):
        answer = self.client.get(path)
        self.see(f"{answer.status} {answer.problem}")
        if answer.status != 410 or answer.problem != "damaged":
            self.fault(f"GET {path} is answered {answer.status} {answer.body[:200]!r}")
        elif not any(digest.encode() in answer.body for digest in [*self.digests, self.sample.declared.get(self.kind, "none")]):
            self.fault(f"GET {path} does not name the digest: {answer.body[:300]!r}")

    def use_database(self):
        """A row that cannot be read is a damaged job, and no other is."""
        if self.harm.startswith("a row"):
            answer = self.client.get(f"/v1/jobs/{self.sample.job}")
            self.see(f"{answer.status} {answer.problem}")
            if answer.status != 410 or answer.problem != "damaged":
                self.fault(f"the job of the row is answered {answer!r}")

    def use_checkpoint(self):
        self.must_be_damaged(f"/v1/jobs/{self.sample.job}/checkpoints/last")

    def use_report(self):
        self.must_be_damaged(f"/v1/jobs/{self.sample.job}/report")
        gate = self.client.get(f"/v1/jobs/{self.sample.job}/gate")
        if gate.status == 200:
            self.fault("the gate still gives a verdict")

    def use_set(self):
        self.use_of_job(small_job("uses it", dataset=self.sample.dataset, seed=31), f"/v1/datasets/{self.sample.dataset}")

    def use_model(self):
        self.use_of_job(small_job("uses it", model={"init": self.sample.model}, seed=31), f"/v1/models/{self.sample.model}")

    def use_of_job(self, made, path):
        """No job runs on what is damaged, and once it is known the resource says so."""
        answer = self.client.insist("POST", "/v1/jobs", made)
        if answer.status == 201:
            state = self.client.wait(answer.json["id"], 60) or {}
            self.see(f"a job with it is {state.get('state')}")
            if state.get("state") != "failed" or "damaged" not in str(state.get("reason")) and not self.names_it(str(state.get("reason"))):
                self.fault(f"a job that uses it is {state.get('state')}: {state.get('reason')}")
        elif answer.status not in (410, 422) or "damaged" not in answer.body.decode("utf-8", "replace"):
            self.fault(f"a job that uses it is answered {answer!r}")
        else:
            self.see(f"a job with it is answered {answer.status}")
        self.must_be_damaged(path)

    def unharmed(self):
        """What is whole is served, and a new job runs."""
        if self.kind == "database" or self.killed:
            if self.client.get(f"/v1/jobs/{self.sample.other}").status != 200:
                return self.see("the unharmed job is damaged too")
        self.compare("other", "the unharmed job", self.sample.other)
        for job in self.jobs:
            self.client.call("POST", f"/v1/jobs/{job}/cancel")
        if self.jobs:
            listed = {entry["id"] for entry in self.client.all("/v1/jobs")}
            self.see(f"{sum(job in listed for job in self.jobs)} of {len(self.jobs)} new jobs are there")
        state = self.client.wait(self.client.submit(small_job("new", seed=41)), 60) or {}
        if state.get("state") != "succeeded":
            self.fault(f"a new job is {state.get('state')}: {state.get('reason')}")

    def resume(self):
        """The paused jobs go on to the same bits, from an earlier state or from the start; not one that needs what is damaged."""
        for name, job in (("training", self.sample.training), ("evaluation", self.sample.evaluation)):
            answer = self.client.insist("POST", f"/v1/jobs/{job}/resume")
            if answer.status == 410 and self.kind == "database":
                self.see(f"the paused {name} is damaged")
                continue
            state = self.client.wait(job, 60) or {}
            if name == "evaluation" and self.kind == "model":
                if state.get("state") != "failed":
                    self.fault(f"the paused evaluation of the damaged model is {state.get('state')}")
            elif state.get("state") != "succeeded":
                self.fault(f"the paused {name} is {state.get('state')}: {state.get('reason')} ({answer.status})")
            else:
                self.compare(name, f"the paused {name}", job)

    def compare(self, name, title, job):
        """What a job left is what it would have left; of a harmed database, a part may be known to be damaged."""
        left, wanted = outcome(self.client, job), self.sample.expected[name]
        if "state" in self.kind:
            # That it was damaged is rightly told in the report.
            warnings = left["report"].get("warnings", [])
            left["report"]["warnings"] = [entry for entry in warnings if entry["code"] != "saved_state_damaged"]
            # Two states may be of the same number of updates: that the later one is missing is then not told.
            is_told = self.harms_the_latest_state and (self.harm != "removed" or len(self.paths) == len(self.sample.files["state"]))
            if (self.kind, name) == ("state", "training") and is_told and left["report"]["warnings"] == warnings:
                self.fault("the report does not say that a saved state was damaged or is missing")
        for part in ("checkpoints", "metrics", "report"):
            if self.kind == "database" and str(left[part].get("type", "")).endswith(":damaged"):
                self.see(f"{title} has damaged {part}")
            else:
                self.problems += [f"{title}: {text}" for text in differences(wanted[part], left[part], part)]


# MARK: All trials


def trials(sample, seed):
    source = random.Random(f"{seed} damage")
    made = []

    def add(kind, paths, harms=USUAL, **more):
        for harm in harms:
            made.append(Trial(sample, kind, harm, paths, at=more.get("at", source.random()), killed=more.get("killed", False)))

    for kind in ("data set", "model", "checkpoint", "report"):
        if sample.files[kind]:
            # One of several, the largest: an upload in parts has the images there.
            add(kind, [max(sample.files[kind], key=lambda path: len(sample.bytes(path)))])
        else:
            say(f"the file of the {kind} was not found")
    for kind in ("state", "evaluation state"):
        for path in sample.files[kind]:
            add(kind, [path])
        if len(sample.files[kind]) > 1:
            add(kind, sample.files[kind], ("a bit flipped", "removed"))
        if not sample.files[kind]:
            say(f"there is no {kind} of a paused job")
    for page in range(PAGES):
        for harm in ("a bit flipped", "a bit flipped in the head of a page"):
            add("database", [DATABASE], (harm,), at=(page + source.random()) / PAGES if page else 0.0005)
    add("database", [DATABASE], ("the last third cut off", "removed", "a row with a state that there is not", "a row with half a spec"))
    add("database", [DATABASE], ("removed",), killed=True)
    for at, harm in zip((0, 0.5, 1), [*TOLD, "a bit flipped in the last commit"]):
        add("log of the database", [DATABASE + "-wal"], (harm,), at=at, killed=True)
    add("log of the database", [DATABASE + "-wal"], ("the last third of the commits cut off", "removed"), killed=True)
    add("index of the log", [DATABASE + "-shm"], killed=True)
    add("lock", ["lock"])
    return made


def main():
    end_on_signals()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only kinds of file whose name has this text")
    parser.add_argument("--temper", default=TEMPER)
    arguments, tally = parser.parse_args(), Tally()
    sample = Sample(arguments.temper)
    rows = []
    for trial in trials(sample, arguments.seed):
        if arguments.only not in trial.kind:
            continue
        name = f"{trial.kind} ({', '.join(os.path.basename(path)[:14] for path in trial.paths)}), {trial.harm}"
        try:
            trial.run()
        except Exception as error:  # One trial must not hide the others.
            trial.fault(f"{type(error).__name__} {error}")
        tally.check(name, trial.problems, "; ".join(trial.seen))
        rows.append((trial.kind, trial.harm, "; ".join(trial.seen), "ok" if not trial.problems else "FAILED"))
    print("\n| file | harm | what is seen | |\n| --- | --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    sys.exit(tally.finish())


if __name__ == "__main__":
    main()
