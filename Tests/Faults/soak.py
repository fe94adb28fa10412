#!/usr/bin/env python3
"""The soak: jobs of every kind run to the same bits, whatever kills the service meanwhile.

An undisturbed service runs the jobs first. Then another runs the same ones while it is killed with SIGKILL at seeded moments of every
kind, with followers all the time. Each property at the end is a check; the last line counts them.

    Tests/Faults/soak.py [--kills N] [--jobs N] [--followers N] [--seed S] [--minutes M] [--temper PATH]
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
from faults import (
    HANG_SECONDS, STALL_SECONDS, TEMPER, Client, Service, Tally, differences, end_on_signals, outcome, say, scratch)
from followers import HealthWatch, Poller, Streamer, Waiter, numbers_given_twice, recorded_events
from soak_jobs import seed_model, soak_dataset
from soak_killer import Killer, Observer
from soak_work import Feeder, Work


class Inputs:
    """What is uploaded, the same bytes to both services."""

    def __init__(self, dataset, model):
        self.dataset, self.model = dataset, model


def make_inputs(client):
    job = client.submit(seed_model())
    if not (client.wait(job) or {}).get("state") == "succeeded":
        raise SystemExit("the job whose checkpoint the others begin with did not succeed, so there is nothing to soak")
    return Inputs(soak_dataset(), client.insist("GET", f"/v1/jobs/{job}/checkpoints/last").body)


def undisturbed(arguments):
    """The outcome of every job by name, and the inputs."""
    service = Service(arguments.temper, os.path.join(scratch("undisturbed"), "data"))
    if service.start() is None:
        raise SystemExit(f"the service does not start: {service.log()[-3:]}")
    client, began = Client(service), time.monotonic()
    inputs = make_inputs(client)
    work = Work(service, arguments.seed, arguments.jobs, inputs)
    work.prepare()
    while work.todo or work.unfinished:
        work.look()
        job = work.take()
        if job:
            work.submit(job)
        time.sleep(0.05)
        if time.monotonic() - began > 600:
            raise SystemExit("the undisturbed service did not end its jobs in ten minutes")
    found = {made.name: outcome(client, job) for job, made in work.jobs.items()}
    uploads = {kind: digest for kind, digest, _ in work.uploads.values()}
    say(f"undisturbed: {len(found)} jobs in {time.monotonic() - began:.0f} s")
    service.stop()
    return found, uploads, inputs


class Soak:
    def __init__(self, arguments, inputs):
        self.arguments, self.deadline = arguments, time.monotonic() + arguments.minutes * 60
        self.folder = os.path.join(scratch("soak"), "data")
        self.service = Service(arguments.temper, self.folder)
        self.work = Work(self.service, arguments.seed, arguments.jobs, inputs)
        self.roster = self.work.roster
        self.observer = Observer(self.service, self.roster)
        self.killer = Killer(self.service, self.work, self.observer, arguments.seed, arguments.pace)
        kinds = [Poller, Waiter, lambda *rest: Streamer(*rest, heard=self.observer.hear)]
        self.followers = [kinds[n % 3](self.service, self.roster, n, arguments.seed) for n in range(arguments.followers)]
        self.health = HealthWatch(self.service, self.roster)
        self.feeder = Feeder(self.work)
        self.stuck = []

    def run(self):
        if self.service.start() is None:
            raise SystemExit(f"the service does not start: {self.service.log()[-3:]}")
        self.work.prepare()
        for thread in [*self.followers, self.observer, self.health, self.feeder]:
            thread.start()
        self.all_killed = self.killer.run(self.arguments.kills, self.deadline)
        self.settle()

    def settle(self):
        """No more kills: everything comes to its end."""
        end = self.deadline + 60
        while (self.work.todo or self.work.unfinished) and time.monotonic() < end and self.service.process.poll() is None:
            time.sleep(0.1)
        self.stuck += [f"{job} ({self.work.jobs[job].name}) did not end" for job in self.work.unfinished]
        self.feeder.closing = True
        self.join([self.feeder, *self.killer.threads], 60, "an action was not acknowledged")
        self.roster.closing = True
        self.join([*self.followers, self.observer, self.health], STALL_SECONDS, "a follower did not come to the end of its job")
        self.roster.closed = True

    def join(self, threads, seconds, what):
        end = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
            if thread.is_alive():
                self.stuck.append(f"{what}: {type(thread).__name__} {getattr(thread, 'job', thread.name)}")

    def streams(self):
        return [stream for follower in self.followers if isinstance(follower, Streamer) for stream in follower.streams]


# MARK: What it is held to


class Verdict:
    """The checks, made against the service after a stop and another start."""

    def __init__(self, soak, expected, uploads, tally):
        self.soak, self.work, self.service = soak, soak.work, soak.service
        self.expected, self.digests, self.tally = expected, uploads, tally

    def give(self):
        status = self.service.stop()
        self.tally.check("an ordered stop ends well", [] if status == 0 else [f"the exit status is {status}"])
        if self.service.start() is None:
            self.tally.check("the service starts again", [str(self.service.log()[-3:])])
            return
        self.client = Client(self.service)
        self.kills()
        self.presence()
        self.outcomes()
        self.events()
        self.answers()
        self.rest()

    def kills(self):
        killer, wanted = self.soak.killer, self.soak.arguments.kills
        kinds = ", ".join(f"{count} {kind}" for kind, count in killer.kills.items())
        self.tally.check(
            "every kill was made and the service started after each",
            killer.faults + ([] if killer.count >= wanted else [f"{killer.count} of {wanted} kills in the time"]), kinds)

    def presence(self):
        listed = [entry["id"] for entry in self.client.all("/v1/jobs")]
        kept = set(self.work.jobs) | set(self.work.throwaways)
        self.tally.check("no job is lost", [f"{job} is gone" for job in kept - set(listed)], f"{len(kept)} jobs")
        self.tally.check(
            "no job is there twice, and no deleted one again",
            [f"{job} is there" for job in set(listed) - kept] + [f"{job} is listed twice" for job in set(listed) if listed.count(job) > 1])
        lost, extra = [], []
        for kind in ("datasets", "models"):
            there = {entry["id"]: entry for entry in self.client.all(f"/v1/{kind}") if not entry.get("built_in")}
            mine = {key: value for key, value in self.work.uploads.items() if value[0] == kind and key not in self.work.deleted}
            extra += [f"{key} is there" for key in set(there) - set(mine)]
            lost += [fault for key, value in mine.items() for fault in self.upload_faults(kind, key, value, there.get(key))]
        self.tally.check("no upload is lost, and each has its digest", lost, f"{len(self.work.uploads)} uploads, some deleted")
        self.tally.check("no upload is there twice, and no deleted one again", extra)

    def upload_faults(self, kind, key, value, entry):
        _, digest, content = value
        if entry is None:
            return [f"{key} is gone"]
        faults = [] if entry["sha256"] == digest else [f"{key} has the digest {entry['sha256']} instead of {digest}"]
        mine = self.work.inputs.dataset if kind == "datasets" else self.work.inputs.model
        if content is mine and digest != self.digests[kind]:
            faults.append(f"{key} has the digest {digest}, the undisturbed one {self.digests[kind]}")
        return faults

    def outcomes(self):
        self.unsuccessful, self.tag_faults, states, found = set(), [], [], {"checkpoints": [], "metrics": [], "report": [], "warnings": []}
        for job, made in self.work.jobs.items():
            answer = self.client.insist("GET", f"/v1/jobs/{job}")
            self.tag_faults += self.soak.roster.tagged(answer) if answer.status == 200 else []
            if answer.status != 200 or answer.json["state"] != "succeeded":
                self.unsuccessful.add(job)
                states.append(f"{job} ({made.name}) is {answer.json.get('state')}: {answer.json.get('reason')}")
                continue
            left = outcome(self.client, job)
            for part, faults in found.items():
                faults += [f"{job} ({made.name}): {text}" for text in differences(self.expected[made.name][part], left[part])]
        self.tally.check("every job succeeded", states, f"{len(self.work.jobs)} jobs")
        for part, faults in found.items():
            self.tally.check(f"each job's {part} is that of the undisturbed run" if part == "report" else
                             f"each job's {part} are those of the undisturbed run", faults)

    def events(self):
        streams = self.soak.streams()
        recorded = {}
        for job in self.work.jobs:
            try:
                recorded[job] = recorded_events(self.client, job)
            except AssertionError:
                recorded[job] = []  # That the job is lost has been told.
        count = sum(len(stream.events) for stream in streams)
        self.tally.check("no event is received twice", [f for s in streams for f in s.doubled()], f"{count} events, {len(streams)} streams")
        self.tally.check("no event is missed", [f for s in streams for f in s.missed(recorded[s.job])])
        self.tally.check("what is received is what is recorded", [f for s in streams for f in s.strange(recorded[s.job])])
        self.tally.check("no number of an event is given out twice", numbers_given_twice(streams))
        self.tally.check("an epoch is measured once", [f for job, events in recorded.items() for f in doubled_epochs(job, events)])

    def answers(self):
        followers, service = self.soak.followers, self.service
        count = sum(follower.answers for follower in followers)
        slowest = max((follower.slowest for follower in followers if not isinstance(follower, Waiter)), default=0)
        self.tally.check(
            f"no request hangs for {HANG_SECONDS:.0f} s", service.faults_of("hang"), f"{count} answers, the slowest after {slowest:.2f} s")
        self.tally.check("no connection breaks off while the service is up", service.faults_of("broken"))
        self.tally.check("no answer is a server's fault", service.faults_of("status"))
        self.tally.check("/healthz answers within a second", self.soak.health.slow, f"the slowest after {self.soak.health.slowest:.3f} s")
        self.tally.check("nothing is stuck", self.soak.stuck)
        self.tally.check(
            "no end and no saved step is taken back, and no tag stands for two answers",
            [fault for follower in followers for fault in follower.faults] + self.tag_faults)
        done = ", ".join(f"{count} {what}s" for what, count in self.work.done.items())
        self.tally.check("every action is answered as it should be", self.work.faults, done)

    def rest(self):
        """The service is stopped: what its folder holds."""
        self.service.stop()
        checked = subprocess.run([self.soak.arguments.temper, "fsck", "--data", self.soak.folder], capture_output=True, text=True)
        if checked.returncode == 64 or "Usage" in checked.stderr:
            self.tally.skip("fsck finds the folder whole", "there is no such command")
        else:
            self.tally.check("fsck finds the folder whole", [] if checked.returncode == 0 else [(checked.stdout + checked.stderr)[-800:]])
        ended = [job for job in self.work.jobs if job not in self.unsuccessful]
        kept = {
            job: [name for _, _, names in os.walk(os.path.join(self.soak.folder, "jobs", job)) for name in names] for job in ended}
        leftovers = [
            f"{job} has {names}" for job, names in kept.items()
            if len(names) > 1 or not all(name.endswith(".state") for name in names)]
        self.tally.check("no job that succeeded keeps more than the state that it ended with", leftovers)


def doubled_epochs(job, events):
    epochs = [(data.get("epoch"), data.get("phase")) for _, event, data in events if event == "metric"]
    twice = {epoch for epoch in epochs if epochs.count(epoch) > 1}
    return [f"{job}: epoch {epoch} has {epochs.count((epoch, phase))} metric events" for epoch, phase in twice]


def figures(soak):
    def line(values):
        if not values:
            return "none measured"
        return f"median {statistics.median(values):.2f} s, at most {max(values):.2f} s ({len(values)} measured)"

    print(f"from SIGKILL to the next training step: {line(soak.observer.to_next_step)}")
    print(f"from start to ready: {line(soak.killer.start_ups)}")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=22, help="different jobs; they come again until all kills are made")
    parser.add_argument("--followers", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30, help="for the kills; what is left then fails")
    parser.add_argument("--pace", type=float, default=0.8, help="seconds: the longest pause before the moment of a kill is sought")
    parser.add_argument("--temper", default=TEMPER)
    return parser.parse_args()


def main():
    end_on_signals()
    arguments, tally, began = read_arguments(), Tally(), time.monotonic()
    expected, uploads, inputs = undisturbed(arguments)
    soak = Soak(arguments, inputs)
    soak.run()
    Verdict(soak, expected, uploads, tally).give()
    figures(soak)
    print(f"{soak.killer.count} kills, seed {arguments.seed}, {time.monotonic() - began:.0f} s")
    sys.exit(tally.finish())


if __name__ == "__main__":
    main()
