"""The data folder that is harmed: made once by a service, with something of everything in it."""
import os
import shutil
import sqlite3

from faults import Client, Service, outcome, scratch, sha256
from inputs import npz, spec

DATABASE = "temper.sqlite"


def training_job():
    return spec(name="paused", epochs=16, limit=None, training={"attack": {"name": "pgd", "steps": 10}}, seed=3)


def evaluation_job(model):
    made = spec(name="paused evaluation", limit=None, kind="evaluate", model={"init": model})
    del made["training"]
    # Of so small an epsilon that next to no image falls: it takes some seconds on a quick machine too, and progress is told once a second.
    made["threat"] = {"norm": "linf", "epsilon": 0.01}
    made["evaluation"] = {"attacks": [{"name": "pgd", "steps": 1500}], "samples": 360, "curve": [0, 0.1]}
    return made


def small_job(name="small", **more):
    return spec(name=name, epochs=2, **more)


class Sample:
    """A stopped service's folder, what is in it, and which file holds what."""

    def __init__(self, temper):
        self.temper, self.folder = temper, os.path.join(scratch("sample"), "data")
        # By kind: the files, the digest that the API gives, what a job leaves when nothing is harmed.
        self.files, self.declared, self.expected = {}, {}, {}
        service = Service(temper, self.folder)
        if service.start() is None:
            raise SystemExit(f"the service does not start: {service.log()[-3:]}")
        self.client = Client(service)
        self.make()
        if service.stop() != 0:
            raise SystemExit("the service does not stop in order, so there is no folder to harm")
        self.merge()

    def merge(self):
        """Puts what the log of the database still holds into the database, so that a harm to the database is one."""
        connection = sqlite3.connect(os.path.join(self.folder, DATABASE))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def make(self):
        first = self.finished(spec(name="first", epochs=8, limit=None, seed=77))
        self.model_bytes = self.client.insist("GET", f"/v1/jobs/{first}/checkpoints/last").body
        # Its checkpoint has the content of the model, and would share the file.
        self.client.insist("DELETE", f"/v1/jobs/{first}")
        self.dataset = self.making("data set", lambda: self.client.upload("datasets", npz(5, 1000, 200))["id"])
        self.model = self.making("model", lambda: self.client.upload("models", self.model_bytes, name="m")["id"])
        self.job = self.making("job", lambda: self.finished(small_job("uses the data set", dataset=self.dataset)))
        for kind, path in (("data set", f"/v1/datasets/{self.dataset}"), ("model", f"/v1/models/{self.model}")):
            self.declared[kind] = self.client.insist("GET", path).json["sha256"]
        last = next(entry for entry in self.client.all(f"/v1/jobs/{self.job}/checkpoints") if entry["role"] == "last")
        self.files["checkpoint"] = self.holding(last["sha256"])
        self.files["report"] = [path for path in self.files.pop("job") if self.is_report(path)]
        self.other = self.finished(small_job("other", seed=21))
        self.expected["other"] = outcome(self.client, self.other)
        self.paused_jobs()

    def paused_jobs(self):
        for name, made in (("training", training_job()), ("evaluation", evaluation_job(self.model))):
            self.expected[name] = outcome(self.client, self.finished(made))
        self.training = self.paused(training_job())
        self.evaluation = self.paused(evaluation_job(self.model))
        for name, job in (("state", self.training), ("evaluation state", self.evaluation)):
            folder = os.path.join(self.folder, "jobs", job)
            found = [os.path.join("jobs", job, entry) for entry in sorted(os.listdir(folder))] if os.path.isdir(folder) else []
            self.files[name] = [path for path in found if path.endswith(".state")]

    def finished(self, made):
        job = self.client.submit(made)
        state = self.client.wait(job, 120) or {}
        if state.get("state") != "succeeded":
            raise SystemExit(f"the job {made['name']} does not succeed: {state.get('reason')}")
        return job

    def paused(self, made):
        """A job that was paused in its course. A quick machine may end it first: then another, paused earlier."""
        for fraction in (0.4, 0.2, 0.05, 0):
            job = self.client.submit(made)
            self.client.wait(job, 60, lambda value: value["progress"]["fraction"] > fraction or value["terminal"])
            self.client.insist("POST", f"/v1/jobs/{job}/pause")
            state = self.client.wait(job, 60, lambda value: value["state"] not in ("queued", "running", "pausing")) or {}
            if state.get("state") == "paused":
                return job
            self.client.insist("DELETE", f"/v1/jobs/{job}")
        raise SystemExit(f"the job {made['name']} could not be paused in its course: it is {state.get('state')}")

    def making(self, kind, action):
        """Notes which files an action leaves."""
        before = set(self.all())
        result = action()
        self.files[kind] = sorted(path for path in set(self.all()) - before if not path.startswith(DATABASE))
        return result

    def all(self):
        return [os.path.relpath(os.path.join(folder, name), self.folder) for folder, _, names in os.walk(self.folder) for name in names]

    def holding(self, digest):
        return [path for path in self.all() if sha256(self.bytes(path)) == digest]

    def is_report(self, path):
        content = self.bytes(path)
        return content[:1] == b"{" and b'"verdict"' in content

    def modified(self, path):
        return os.stat(os.path.join(self.folder, path)).st_mtime_ns

    def bytes(self, path):
        with open(os.path.join(self.folder, path), "rb") as file:
            return file.read()


def killed_copy(sample, target):
    """A copy of the folder in which a service took jobs and was killed: their commits are in the log of the database."""
    shutil.copytree(sample.folder, target)
    service = Service(sample.temper, target)
    service.start()
    client = Client(service)
    jobs = [client.submit(spec(name="long", epochs=400, limit=None, seed=50 + number)) for number in range(8)]
    service.kill()
    return jobs
