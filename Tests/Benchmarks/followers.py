#!/usr/bin/env python3
"""Follows one training job with hundreds of clients, and shows what they wait and what training loses.

    Tests/Benchmarks/followers.py [--temper PATH] [--minutes 10] [--baseline 60] [--waits 200] [--streams 200] [--pollers 64]

Trains without followers, with them, and without them again, on one server. The clients run on the same processor as training: both the
ratio of the rates as it is, and the ratio with the clients' own processor time taken out, are shown.
"""
import argparse
import collections
import math
import os
import threading
import time

from crowd import HEARTBEAT_SECONDS, WAIT_SECONDS, Crowd
from service import Service, digits_job, machine_seconds, submitted, wait_until
from table import Table, mebibytes, say


class Phase:
    """Rates and processor time over a stretch of time."""

    def __init__(self, service, crowd):
        self.service, self.crowd = service, crowd
        self.begun, self.day = time.monotonic(), time.time()
        self.client, self.server, self.machine = time.process_time(), collections.Counter(service.processor_seconds()), machine_seconds()

    def end(self):
        self.seconds, day = time.monotonic() - self.begun, time.time()
        self.client = time.process_time() - self.client
        self.server = collections.Counter(self.service.processor_seconds()) - self.server
        self.others = max(0.0, machine_seconds() - self.machine - self.client - sum(self.server.values()))
        self.rate = self.crowd.rate(self.day, day)
        return self


class Holdings:
    """What a process must not gather."""

    def __init__(self, service):
        self.memory, self.descriptors = service.anonymous_memory(), service.descriptors()
        self.threads = service.threads()
        self._looks = []
        # Beside the clients, who must not wait for it.
        self._looking = threading.Thread(target=self._look, args=(service,))
        self._looking.start()

    def _look(self, service):
        for _ in range(20):
            self._looks.append(service.folder_bytes())
            time.sleep(0.1)

    @property
    def folder(self):
        """The least of some looks: short epochs replace their checkpoints several times a second, and the replaced ones go some saves later."""
        self._looking.join()
        return min(self._looks)


def mean(phases, value):
    """A mean over phases, weighted by their lengths."""
    return sum(value(phase) * phase.seconds for phase in phases) / sum(phase.seconds for phase in phases)


def follow(service, options):
    """The three phases. Returns the crowd, its phases without and with followers, and what the process held meanwhile."""
    control = service.connection()
    job = submitted(control, digits_job(attack_steps=options.attack_steps))
    wait_until(control, job, lambda now: (now["progress"]["epoch"] or 0) > 2)
    crowd, without, held = Crowd(service.port, job), [], {"before": Holdings(service)}

    def phase(seconds):
        phase = Phase(service, crowd)
        crowd.run(phase.begun + seconds)
        return phase.end()

    say(f"training alone for {options.baseline} s")
    without.append(phase(options.baseline))
    crowd.clear()
    say(f"{options.waits} long polls, {options.streams} streams, {options.pollers} pollers join, for {options.minutes:g} minutes")
    crowd.join(options.waits, options.streams, options.pollers)
    seconds = options.minutes * 60
    followed = Phase(service, crowd)
    for name, share in (("start", 0.05), ("middle", 0.5), ("end", 1.0)):
        crowd.run(followed.begun + seconds * share)
        held[name] = Holdings(service)
    followed.end()
    figures = dict(polls=crowd.polls, probes=crowd.probes, waits=crowd.wait_lateness, unchanged=crowd.unchanged_lateness,
                   events=crowd.event_lateness, longest_wait=crowd.longest_wait, longest_gap=crowd.longest_gap,
                   statuses=dict(crowd.statuses), lost=dict(crowd.lost), overdue=crowd.overdue(), hung=crowd.hung_after,
                   since=time.monotonic() - followed.begun)
    if crowd.hung_after is None:
        crowd.leave()
        crowd.run(time.monotonic() + 2)
        held["after"] = Holdings(service)
        say(f"training alone for {options.baseline} s again")
        without.append(phase(options.baseline))
    return figures, without, followed, held


def add_answers(table, figures):
    if figures["hung"] is not None:
        table.add("answers", f"none for {figures['hung']:.0f} s, /healthz included, {figures['since']:.0f} s after all had joined: it hangs",
                  "always", False)
    table.latencies("polls, from sending to the last byte", figures["polls"], 0.05, 1)
    table.latencies("/healthz", figures["probes"], 0.05, 1)
    table.latencies("long polls, after the change was first seen", figures["waits"], 0.05, 1)
    table.latencies("long polls answered 304, beyond their wait", figures["unchanged"], None, 1 if figures["unchanged"] else None)
    table.add("longest wait", f"{figures['longest_wait']:.2f} s", f"≤ {WAIT_SECONDS} s + 1 s", figures["longest_wait"] <= WAIT_SECONDS + 1)
    table.latencies("events, after another stream first had them", figures["events"], 0.05, 1)
    table.add("longest silence of a stream", f"{figures['longest_gap']:.2f} s", f"≤ {HEARTBEAT_SECONDS} s + 1 s",
              figures["longest_gap"] <= HEARTBEAT_SECONDS + 1)
    table.add("answers that have not come in time, at the end", str(figures["overdue"]), "0", figures["overdue"] == 0)
    strange = {status: count for status, count in figures["statuses"].items() if status not in (200, 304)}
    counts = ", ".join(f"{status}: {count}" for status, count in sorted(figures["statuses"].items()))
    table.add("answers by status", counts, "200 and 304", not strange)
    table.add("connections that the server closed", str(sum(figures["lost"].values())), "0", not figures["lost"])


def figures_are_missing(without, followed):
    return any(math.isnan(phase.rate) for phase in (*without, followed))


def add_training(table, without, followed, cores):
    if figures_are_missing(without, followed):
        table.add("training with followers", "not measured: the service hung", "≥ 0.95 of the rate without", False)
        return
    alone, beside = mean(without, lambda phase: phase.rate), followed.rate
    client = (mean(without, lambda phase: phase.client / phase.seconds) / cores, followed.client / followed.seconds / cores)
    others = (mean(without, lambda phase: phase.others / phase.seconds) / cores, followed.others / followed.seconds / cores)
    ratio = beside / alone
    cost = [sum(phase.server.values()) / phase.seconds / phase.rate for phase in (*without, followed)]
    table.add("weight updates a second, without followers", "  ".join(f"{phase.rate:.2f}" for phase in without))
    table.add("weight updates a second, with them", f"{beside:.2f}")
    table.add("ratio, as it is", f"{ratio:.4f}", "0.95 on a machine of the service's own")
    corrected = ratio * (1 - client[0]) / (1 - client[1])
    table.add("ratio without the clients' own processor time", f"{corrected:.4f}", "≥ 0.95", corrected >= 0.95)
    table.add("  = ratio × (1 − c₀) ÷ (1 − c₁), c: the clients' share of the cores", f"c₀ {client[0]:.4f}, c₁ {client[1]:.4f}")
    table.add("the same without what all other processes took",
              f"{ratio * (1 - client[0] - others[0]) / (1 - client[1] - others[1]):.4f}", f"their share: {others[0]:.4f}, {others[1]:.4f}")
    table.add("processor milliseconds of the server for an update", "  ".join(f"{seconds * 1000:.2f}" for seconds in cost[:-1]) +
              f" without, {cost[-1] * 1000:.2f} with", f"their ratio: {sum(cost[:-1]) / len(cost[:-1]) / cost[-1]:.4f}")
    table.add("processor seconds of the clients", f"{followed.client:.1f} of {followed.seconds * cores:.0f}")
    for name, seconds in followed.server.most_common(6):
        if seconds >= 0.1:
            before = mean(without, lambda phase: phase.server[name] / phase.seconds)
            table.add(f"processor seconds of the server's {name}", f"{seconds:.1f} of {followed.seconds * cores:.0f}",
                      f"{before * followed.seconds:.1f} in as long without followers")


def add_holdings(table, held):
    """Once all have joined nothing grows; some room is left for a log that is checkpointed now and then, and Dispatch
    may have a thread for each of the server's queues, some ten, when all are busy at once."""
    rows = [("RssAnon", "start", "memory", mebibytes, 8 << 20), ("descriptors", "start", "descriptors", str, 4),
            ("threads", "before", "threads", str, 10), ("data folder", "start", "folder", mebibytes, 8 << 20)]
    for name, since, key, text, room in rows:
        values = {moment: getattr(holding, key) for moment, holding in held.items()}
        table.add(name, ", ".join(f"{moment} {text(value)}" for moment, value in values.items()), f"end ≤ {since} + {text(room)}",
                  values["end"] <= values[since] + room)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--baseline", type=float, default=60, help="seconds of training without followers, before and after")
    parser.add_argument("--waits", type=int, default=200)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--pollers", type=int, default=64)
    parser.add_argument("--attack-steps", type=int, default=40, help="of the job; fewer make shorter epochs and more events")
    parser.add_argument("--log", default="/dev/null", help="the server's log")
    options = parser.parse_args()
    with Service(options.temper, log=options.log) as service:
        figures, without, followed, held = follow(service, options)
        cores = len(os.sched_getaffinity(service.process.pid))
        table = Table(f"madry_cnn on the digits, PGD-{options.attack_steps}, {options.waits} long polls, {options.streams} streams, "
                      f"{options.pollers} pollers at 2 requests/s, {followed.seconds:.0f} s, {cores} cores")
        add_answers(table, figures)
        add_training(table, without, followed, cores)
        add_holdings(table, held)
        ended = service.stop()
        table.add("the server ends in order", "yes" if ended else "no, it was killed", "within 20 s", ended)
    raise SystemExit(table.finish())


if __name__ == "__main__":
    main()
