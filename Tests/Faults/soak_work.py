"""What happens to a service while it is killed: submits, uploads, downloads and deletes, each insisted on until it is acknowledged, and
the record of what was. The record is what the service is held to at the end."""
import random
import threading
import time

from faults import Client, Unavailable, sha256
from inputs import npz
from soak_jobs import SoakJob, throwaway


class Roster:
    """The jobs that followers follow: what has not ended first, so that streams live through the kills."""

    def __init__(self):
        self.jobs, self.ended, self.closing, self.closed = [], set(), False, False
        self.tags = {}  # strong entity tag: the answer that it came with

    def next(self, source):
        jobs = list(self.jobs)
        live = [job for job in jobs if job not in self.ended]
        # The first of them runs or is about to: followers of jobs at the end of the queue see little.
        return source.choice(live[:3] or jobs) if jobs else None

    def tagged(self, answer):
        """A strong tag stands for one answer for ever, whatever kills come between: faults, when it came with others."""
        tag, came = answer.headers.get("ETag"), answer.json
        first = self.tags.setdefault(tag, came)
        if first == came:
            return []
        members = ", ".join(f"{name} {first.get(name)} and {came.get(name)}" for name in came if first.get(name) != came.get(name))
        return [f"the tag {tag} came with a job that is {first.get('state')}, and with another answer, {came.get('state')}: {members}"]


class Work:
    """All that the soak asks of the service. Each action may be called from any thread and returns when it is acknowledged."""

    def __init__(self, service, seed, count, inputs):
        self.service, self.seed, self.inputs = service, seed, inputs
        self.random = random.Random(f"{seed} work")
        self.lock = threading.RLock()
        self.roster = Roster()
        self.todo, self.count, self.number = list(range(count)), count, 0
        self.jobs = {}  # id: SoakJob
        self.throwaways, self.uploads, self.spare, self.deleted = [], {}, [], set()
        self.dataset = self.model = None
        self.succeeded = {}  # name: one of the jobs of that name
        self.faults, self.done = [], {"submit": 0, "upload": 0, "download": 0, "delete": 0}

    def key(self):
        with self.lock:
            self.number += 1
            return f"soak-{self.seed}-{self.number}"

    def prepare(self):
        """The uploads that jobs name."""
        client = Client(self.service)
        for kind, content in (("datasets", self.inputs.dataset), ("models", self.inputs.model)):
            record = client.upload(kind, content, key=self.key())
            self.uploads[record["id"]] = (kind, record["sha256"], content)
        self.dataset, self.model = list(self.uploads)

    # MARK: Jobs

    @property
    def unfinished(self):
        return [job for job in list(self.jobs) if job not in self.roster.ended]

    def look(self):
        """Notes which jobs have ended."""
        client = Client(self.service)
        for job in self.unfinished:
            try:
                answer = client.get(f"/v1/jobs/{job}")
            except Unavailable:
                return
            if answer.status == 200 and answer.json["terminal"]:
                if answer.json["state"] == "succeeded":
                    self.succeeded[self.jobs[job].name] = job
                self.roster.ended.add(job)

    def more(self):
        """The jobs once more, when there were not enough for all the kills."""
        with self.lock:
            if not self.todo:
                self.todo = list(range(self.count))

    def submit(self, job=None):
        """A job, or the next whose needs are met; one to throw away when there is none."""
        job = job or self.take()
        if job is None:
            return self.submit_throwaway()
        checkpoint = self.checkpoint_of(job.needs) if job.needs else None
        identifier = Client(self.service).submit(job.spec(self.dataset, self.model, checkpoint), self.key())
        with self.lock:
            if identifier in self.jobs:
                self.faults.append(f"two submits with different keys were answered with the same job {identifier}")
            self.jobs[identifier] = job
            self.roster.jobs.append(identifier)
            self.done["submit"] += 1

    def take(self):
        """A job that needs another which cannot succeed any more is left out: that the other failed is told by itself."""
        with self.lock:
            under_way = {SoakJob(number).name for number in self.todo} | {self.jobs[job].name for job in self.unfinished}
            for number in list(self.todo):
                job = SoakJob(number)
                if job.needs and job.needs not in self.succeeded and job.needs in under_way:
                    continue
                self.todo.remove(number)
                if not job.needs or job.needs in self.succeeded:
                    return job
        return None

    def checkpoint_of(self, name):
        entries = Client(self.service).all(f"/v1/jobs/{self.succeeded[name]}/checkpoints")
        return next(entry["id"] for entry in entries if entry["role"] == "last")

    def submit_throwaway(self):
        with self.lock:
            self.number += 1
            spec = throwaway(self.number)
        identifier = Client(self.service).submit(spec, self.key())
        with self.lock:
            self.throwaways.append(identifier)
            self.done["submit"] += 1

    # MARK: Files

    def upload(self):
        """A data set or a model. Every second has the content of one that jobs use: to delete it must leave theirs alone."""
        with self.lock:
            self.number += 1
            number = self.number
            kind = self.random.choice(["datasets", "models"])
        same = {"datasets": self.inputs.dataset, "models": self.inputs.model}[kind]
        content = npz(number, 1500, 200, side=16) if kind == "datasets" and number % 2 else same
        record = Client(self.service).upload(kind, content, key=self.key(), slices=16_384)
        with self.lock:
            if record["id"] in self.uploads:
                self.faults.append(f"two uploads with different keys were answered with the same {record['id']}")
            self.uploads[record["id"]] = (kind, record["sha256"], content)
            self.spare.append(record["id"])
            self.done["upload"] += 1

    def download(self):
        """A checkpoint of a job, by role or id: of one that runs too. What comes is what its tag says."""
        client = Client(self.service)
        with self.lock:
            jobs = self.random.sample(list(self.jobs), min(4, len(self.jobs)))
            place = self.random.choice(["role", "id"])
        for job in jobs:
            entries = client.insist("GET", f"/v1/jobs/{job}/checkpoints").json.get("data", [])
            if entries:
                return self.download_one(client, f"/v1/jobs/{job}/checkpoints/{entries[-1][place]}")

    def download_one(self, client, path):
        answer = client.insist("GET", path)
        tag = answer.headers.get("ETag", "").strip('"')
        if answer.status != 200:
            # A checkpoint that was listed may have been followed by the next one of its role; a role that was there stays.
            if answer.status != 404 or "ckpt_" not in path:
                self.faults.append(f"{path} was answered {answer!r}")
        elif sha256(answer.body) != tag:
            self.faults.append(f"{path} came with the tag {tag} and is {sha256(answer.body)}")
        self.done["download"] += answer.status == 200

    def delete(self):
        """A job or an upload that is there for it."""
        with self.lock:
            pick = self.random.random() < 0.5
            identifier = (self.spare if pick and self.spare else self.throwaways or self.spare or [None]).pop(0) if (
                self.spare or self.throwaways) else None
        if identifier is None:
            return self.submit_throwaway()
        if identifier in self.uploads:
            return self.remove(f"/v1/{self.uploads[identifier][0]}/{identifier}", identifier)
        client = Client(self.service)
        if not client.insist("GET", f"/v1/jobs/{identifier}").json.get("terminal"):
            client.insist("POST", f"/v1/jobs/{identifier}/cancel")
            client.wait(identifier, 30)
        self.remove(f"/v1/jobs/{identifier}", identifier)

    def remove(self, path, identifier):
        """DELETE until it is acknowledged: by 404 only where an answer was lost before."""
        client, lost, end = Client(self.service), False, time.monotonic() + 120
        while time.monotonic() < end:
            try:
                answer = client.call("DELETE", path)
            except Unavailable:
                lost = True
                time.sleep(0.02)
                continue
            if answer.status == 204 or (answer.status == 404 and lost):
                with self.lock:
                    self.deleted.add(identifier)
                    self.done["delete"] += 1
                return
            if answer.status != 503:
                self.faults.append(f"DELETE {path} was answered {answer!r}")
                return
            time.sleep(0.1)
        self.faults.append(f"DELETE {path} was never acknowledged")

    def pause(self, job):
        """Pauses a job and lets it go on, whatever the kill in between made of it."""
        client = Client(self.service)
        answer = client.insist("POST", f"/v1/jobs/{job}/pause")
        if answer.status not in (202, 409):
            self.faults.append(f"pausing {job} was answered {answer!r}")
        state = client.wait(job, 60, lambda value: value["state"] not in ("pausing",))
        while state and state["state"] == "paused":
            client.insist("POST", f"/v1/jobs/{job}/resume")
            state = client.wait(job, 10, lambda value: value["state"] != "paused")

    # MARK: In the background

    def guarded(self, action, *arguments):
        """Runs an action; what goes wrong is a fault of the service."""
        try:
            action(*arguments)
        except Unavailable:
            pass
        except AssertionError as error:
            self.faults.append(str(error))
        except Exception as error:  # A fault of the soak itself must not look like a success.
            self.faults.append(f"{action.__name__}: {type(error).__name__} {error}")


class Feeder(threading.Thread):
    """Keeps some jobs waiting, and something there to be deleted."""

    def __init__(self, work):
        super().__init__(daemon=True)
        self.work, self.closing = work, False

    def run(self):
        while not self.closing:
            self.work.guarded(self.work.look)
            if self.work.todo and len(self.work.unfinished) < 5:
                self.work.guarded(self.work.submit)
            elif len(self.work.throwaways) < 3:
                self.work.guarded(self.work.submit_throwaway)
            time.sleep(0.1)
