"""What a client does while the trace is recorded: submit, upload, follow, cancel, delete, until the process is killed."""

import time
from dataclasses import dataclass

from power import specs
from power.server import Answer


@dataclass(frozen=True)
class Exchange:
    """A request and its answer. The number is in its X-Request-Id, by which the trace has the moment of the answer."""

    number: int
    method: str
    path: str
    headers: dict
    body: object
    answer: Answer

    PREFIX = "power-"

    @property
    def key(self):
        return self.headers.get("Idempotency-Key")

    def __str__(self):
        return f"{self.method} {self.path} ({self.answer.status})"


class WorkloadError(Exception):
    """The undisturbed service did not do what the workload needs."""


class Workload:
    """One request after the other, so that a request begins after all answers before it."""

    MOST_SECONDS = 120
    # Epochs of jobs that do not come to their end.
    ENDLESS = 5000

    def __init__(self, server, seed):
        self.server = server
        self.seed = seed
        self.exchanges = []
        self.end = time.monotonic() + self.MOST_SECONDS

    def run(self):
        data = self._upload("datasets", "npz", "kept-data", specs.dataset(self.seed), key="data-1")
        model = self._upload("models", "safetensors", "kept-model", specs.model(self.seed), key="model-1")
        short = self._submit(specs.train("short", data, epochs=30), key="job-1")
        self._delete_waiting(data)
        self._follow(short, lambda job: job["terminal"])
        self._results(short)
        self._delete("datasets", self._upload("datasets", "npz", "deleted-data", specs.dataset(self.seed + 1)))
        judged = self._submit(specs.evaluate("judged", data, model), key="job-2")
        self._follow(judged, lambda job: job["terminal"])
        self._results(judged)
        self._cancel_running(data)
        gone = self._submit(specs.train("deleted", data, epochs=1))
        self._follow(gone, lambda job: job["terminal"])
        self._delete("jobs", gone)
        last = self._submit(specs.train("unfinished", data, epochs=self.ENDLESS), key="job-3")
        self._follow(last, self._has_been_saved)
        return self.exchanges

    @staticmethod
    def _has_been_saved(job):
        progress = job["progress"]
        return (progress["epoch"] or 0) >= 20 and progress.get("saved_step", 1) is not None

    # MARK: Parts

    def _delete_waiting(self, data):
        """Behind the job that runs."""
        waiting = self._submit(specs.train("deleted-waiting", data, epochs=self.ENDLESS))
        self._call("POST", f"/v1/jobs/{waiting}/cancel", expected=202)
        self._follow(waiting, lambda job: job["terminal"])
        self._delete("jobs", waiting)

    def _cancel_running(self, data):
        cancelled = self._submit(specs.train("cancelled", data, epochs=self.ENDLESS))
        self._follow(cancelled, lambda job: (job["progress"]["epoch"] or 0) >= 5)
        self._call("POST", f"/v1/jobs/{cancelled}/cancel", expected=202)
        self._follow(cancelled, lambda job: job["terminal"])

    def _results(self, job):
        for part in ("report", "gate"):
            self._call("GET", f"/v1/jobs/{job}/{part}")
        for checkpoint in self._checkpoints(job):
            self._call("GET", f"/v1/jobs/{job}/checkpoints/{checkpoint['id']}")

    # MARK: Requests

    def _upload(self, kind, form, name, body, key=None):
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/v1/{kind}?name={name}&format={form}"
        thing = self._call("POST", path, body, headers | self._key(key), expected=201).json["id"]
        self._call("GET", f"/v1/{kind}/{thing}")
        return thing

    def _submit(self, spec, key=None):
        return self._call("POST", "/v1/jobs", spec, self._key(key), expected=201).json["id"]

    def _delete(self, kind, thing):
        self._call("DELETE", f"/v1/{kind}/{thing}", expected=204)

    def _follow(self, job, enough):
        """Polls a job and the list of its checkpoints until `enough` says so of the job."""
        while True:
            seen = self._call("GET", f"/v1/jobs/{job}").json
            if seen["state"] == "failed":
                raise WorkloadError(f"the job {seen['name']} failed: {seen['reason']}")
            self._checkpoints(job)
            if enough(seen):
                return
            time.sleep(0.02)

    def _checkpoints(self, job):
        return self._call("GET", f"/v1/jobs/{job}/checkpoints").json["data"]

    @staticmethod
    def _key(key):
        return {"Idempotency-Key": key} if key else {}

    def _call(self, method, path, body=None, headers=None, expected=200):
        if time.monotonic() > self.end:
            raise WorkloadError(f"the workload took longer than {self.MOST_SECONDS} s")
        number = len(self.exchanges)
        headers = dict(headers or {})
        answer = self.server.call(method, path, body, headers | {"X-Request-Id": f"{Exchange.PREFIX}{number}"})
        self.exchanges.append(Exchange(number, method, path, headers, body, answer))
        if answer.status != expected:
            raise WorkloadError(f"{method} {path} was answered with {answer.status}, not {expected}: {answer.body[:300]!r}")
        return answer
