"""When the soak kills: at moments of every kind in turn, and never so that a job may rightly be taken for the cause."""
import random
import threading
import time

from faults import STALL_SECONDS, Client, Unavailable, say

# A service gives a job up that was killed more than three times in a row without anything new saved. The killer stays below: it may not
# have seen the last save, and may take a job to run that does not.
FRUITLESS_KILLS = 2
KINDS = ["random", "submit", "state", "upload", "checkpoint", "download", "evaluate", "delete", "saved", "starting", "pause"]


class Observer(threading.Thread):
    """Watches the jobs that run, thirty times a second."""

    def __init__(self, service, roster):
        super().__init__(daemon=True)
        self.service, self.roster = service, roster
        self.generation, self.running, self.since = -1, {}, {}
        self.changed = threading.Condition()
        self.heard = {}  # kind of moment: how often it came
        self.first, self.killed_at, self.to_next_step = {}, None, []

    def run(self):
        client = Client(self.service)
        while not self.roster.closing:
            generation = self.service.generation
            try:
                answer = client.get("/v1/jobs?state=running")
                if answer.status == 200 and generation == self.service.generation:
                    self.see(generation, {job["id"]: job for job in answer.json["data"]})
            except Unavailable:
                pass
            time.sleep(0.03)

    def see(self, generation, jobs):
        now = time.monotonic()
        with self.changed:
            if generation != self.generation:
                self.generation, self.first, self.since = generation, {}, {}
            for identifier, job in jobs.items():
                before = self.running.get(identifier)
                if job["progress"].get("phase") == "evaluate":
                    self.since.setdefault(identifier, now)
                    self.notify("evaluate")
                else:
                    self.since.pop(identifier, None)
                if before and saved(before) != saved(job):
                    self.notify("saved")
                self.time_to_step(job, now)
            self.running = jobs
            self.changed.notify_all()

    def notify(self, kind):
        self.heard[kind] = self.heard.get(kind, 0) + 1

    def hear(self, job, event, data):
        """Called by event streams. What is replayed is not new."""
        if event in ("state", "checkpoint"):
            with self.changed:
                self.notify(event)
                self.changed.notify_all()

    def wait_for(self, kind, seconds):
        with self.changed:
            count = self.heard.get(kind, 0)
            self.changed.wait_for(lambda: self.heard.get(kind, 0) > count, seconds)

    def time_to_step(self, job, now):
        """From the kill to the first weight update beyond the saved one."""
        progress = job["progress"]
        step = updates(progress)
        if self.killed_at is None or job.get("attempt", 1) < 2 or step is None:
            return
        first = self.first.setdefault(job["id"], step)
        if step > first or (saved(job) is not None and step > saved(job)):
            self.to_next_step.append(now - self.killed_at)
            self.killed_at = None


def updates(progress):
    """Weight updates since the start of the job."""
    if None in (progress.get("epoch"), progress.get("step"), progress.get("steps")):
        return None
    return (progress["epoch"] - 1) * progress["steps"] + progress["step"]


def saved(job):
    """How far a job would go on from; a service that does not say is taken at what it shows."""
    progress = job["progress"]
    return progress["saved_step"] if "saved_step" in progress else updates(progress)


class Fairness:
    """Counts the kills in a row under each job without anything new saved."""

    def __init__(self, observer, work):
        self.observer, self.work = observer, work
        self.marks, self.fruitless, self.last = {}, {}, set()

    def candidates(self):
        """The jobs that may run now: those seen in this generation; none seen, those of the last kill and the first that waits."""
        if self.observer.generation == self.observer.service.generation and self.observer.running:
            return set(self.observer.running)
        return self.last | set(self.work.unfinished[:1])

    def has_advanced(self, identifier):
        job = self.observer.running.get(identifier)
        if job is None or self.observer.generation != self.observer.service.generation:
            return False
        mark, fraction = self.marks.get(identifier, (None, 0))
        point = saved(job)
        if point is not None and (mark is None or point > mark):
            return True
        # An evaluation saves what it has once a second: what is shown may not be saved yet.
        since = self.observer.since.get(identifier)
        return since is not None and time.monotonic() - since > 1.5 and job["progress"]["fraction"] > fraction

    def allows(self):
        with self.observer.changed:
            return all(self.fruitless.get(job, 0) < FRUITLESS_KILLS or self.has_advanced(job) for job in self.candidates())

    def note(self):
        """To be called at each kill, before it."""
        with self.observer.changed:
            self.last = self.candidates()
            for identifier in self.last:
                if self.has_advanced(identifier):
                    job = self.observer.running[identifier]
                    self.marks[identifier] = (saved(job), job["progress"]["fraction"])
                    self.fruitless[identifier] = 0
                else:
                    self.fruitless[identifier] = self.fruitless.get(identifier, 0) + 1

    def wait(self, seconds=STALL_SECONDS):
        """Until a kill is fair; returns the jobs that did not advance in that time."""
        with self.observer.changed:
            if self.observer.changed.wait_for(self.allows, seconds):
                return []
            return [job for job in self.candidates() if self.fruitless.get(job, 0) >= FRUITLESS_KILLS]


class Killer:
    """Kills and starts the service, again and again."""

    def __init__(self, service, work, observer, seed, pace):
        self.service, self.work, self.observer, self.pace = service, work, observer, pace
        self.random = random.Random(f"{seed} killer")
        self.fairness = Fairness(observer, work)
        self.kills, self.start_ups, self.threads, self.faults = {kind: 0 for kind in KINDS}, [], [], []

    @property
    def count(self):
        return sum(self.kills.values())

    def run(self, kills, deadline):
        """Returns whether all kills were made in time."""
        turn = 0
        while self.count < kills:
            if time.monotonic() > deadline:
                return False
            if not self.work.unfinished:
                self.work.more()
            if not self.kill(KINDS[turn % len(KINDS)]):
                return False
            turn += 1
            if turn % 10 == 0:
                say(f"{self.count} kills, {len(self.work.jobs)} jobs, {len(self.work.roster.ended)} ended")
            if turn % 50 == 0:
                self.rest(deadline)
        return True

    def rest(self, deadline):
        """Long enough for a request that hangs to be noticed: a kill would end it."""
        time.sleep(max(0, min(13, deadline - time.monotonic())))

    def kill(self, kind):
        """One kill, or none when the moment has gone; returns False when the service does not start again."""
        stuck = self.fairness.wait()
        for job in stuck:
            self.faults.append(f"{job} has saved nothing new for {STALL_SECONDS:.0f} s")
            self.fairness.fruitless[job] = 0
        self.bring_about(kind)
        if not self.fairness.allows():
            return True
        self.end(kind)
        since = self.service.launch()
        if kind == "starting":
            self.sleep(0.12)
            if self.fairness.allows():
                self.end(kind)
                since = self.service.launch()
        return self.ready(since)

    def end(self, kind):
        if self.service.process.poll() is not None:
            self.faults.append(f"the process ended by itself with status {self.service.process.returncode}")
        self.fairness.note()
        self.observer.killed_at = self.service.kill()
        self.kills[kind] += 1

    def ready(self, since):
        seconds = self.service.await_ready(since)
        if seconds is None:
            self.faults.append(f"the service did not start: {self.service.log()[-3:]}")
            return False
        self.start_ups.append(seconds)
        return True

    # MARK: Moments

    def bring_about(self, kind):
        """Waits for, or begins, what the kill is to meet, and then a little."""
        self.sleep(self.pace)
        if kind in ("submit", "upload", "download", "delete"):
            self.begin(getattr(self.work, kind))
            self.sleep({"upload": 0.15, "delete": 0.03}.get(kind, 0.015))
        elif kind == "pause":
            jobs = list(self.observer.running)
            if jobs:
                self.begin(self.work.pause, self.random.choice(jobs))
            self.sleep(0.1)
        elif kind in ("state", "checkpoint", "evaluate", "saved"):
            self.observer.wait_for(kind, 3)
            self.sleep(0.02)

    def sleep(self, most):
        time.sleep(self.random.uniform(0, most))

    def begin(self, action, *arguments):
        thread = threading.Thread(target=self.work.guarded, args=(action, *arguments), daemon=True)
        thread.start()
        self.threads.append(thread)
