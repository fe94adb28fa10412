#!/usr/bin/env python3
"""The page under load: two jobs train, a thousand jobs are in the history, and one Chromium has twenty tabs open on them.

    Tests/Browser/load.py [--temper PATH] [--history 1000] [--tabs 20] [--seconds 20] [--rounds 3]

Stretches without tabs and with them take turns. Each check prints its figures: how long requests waited for their answer (those of the tabs,
as the browser timed them, and of a client that asks ten times a second), the longest pause of a page, and how many weight updates the jobs
made in a second, and in a second of the service's own processor time. The second is what serving costs training; the first has the
browser's own work in it, which a user has on another machine. Without a browser it says that it is skipped.
"""
import argparse
import os
import statistics
import sys
import threading
import time

import chromium
from dashboard import WATCH_LONGEST, Service, faults, in_browser

PAST = {"labels": {"branch": "main"}, "dataset": {"id": "digits", "limit": 50}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": 0.1},
        "training": {"method": "standard", "base_epochs": 0, "epochs": 1}, "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 20, "curve": []}, "resources": {"threads": 1}}
TRAINING = {"dataset": {"id": "digits"}, "model": {"architecture": "lenet"}, "threat": {"norm": "linf", "epsilon": 0.15},
            "training": {"base_epochs": 0, "epochs": 50000, "optimizer": {"name": "sgd", "learning_rate": 0.01}}, "resources": {"threads": 1}}
MOST_MILLISECONDS = 100
LEAST_RATIO = 0.98
SETTLING = 5
TICKS = os.sysconf("SC_CLK_TCK")


class Stretch:
    """What the jobs did between two moments."""

    def __init__(self, service: Service, jobs: list[str]):
        self.service, self.jobs = service, jobs
        self.begun, self.processor, self.steps = time.monotonic(), self._processor(), self._steps()

    def _processor(self) -> float:
        fields = open(f"/proc/{self.service.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def _steps(self) -> int:
        """Updates since the beginning: a row of the progress has those of its epoch alone."""
        progress = [self.service.get(f"/v1/jobs/{job}")["progress"] for job in self.jobs]
        return sum((row["epoch"] or 0) * (row["steps"] or 0) + (row["step"] or 0) for row in progress)

    def end(self) -> "Stretch":
        steps = self._steps() - self.steps
        self.rate, self.efficiency = steps / (time.monotonic() - self.begun), steps / (self._processor() - self.processor)
        return self


class Client(threading.Thread):
    """Asks ten times a second for what a page asks for."""

    def __init__(self, service: Service, jobs: list[str]):
        super().__init__(daemon=True)
        self.service, self.waits, self.ended = service, [], threading.Event()
        self.paths = ["/v1/jobs?limit=50", *(f"/v1/jobs/{job}" for job in jobs), f"/v1/jobs/{jobs[0]}/metrics?max_points=800", "/healthz"]

    def run(self):
        while not self.ended.wait(0.1):
            path = self.paths[len(self.waits) % len(self.paths)]
            begun = time.monotonic()
            self.service.request(path)
            self.waits.append((time.monotonic() - begun) * 1000)


def answers(page: chromium.Page) -> list[tuple[float, str]]:
    """The milliseconds that each request of a tab waited for the first byte of its answer, with its path."""
    answered = [event["params"]["response"] for event in page.own_events if event["method"] == "Network.responseReceived"]
    return [(answer["timing"]["receiveHeadersEnd"] - answer["timing"]["sendEnd"], answer["url"].split("/", 3)[-1]) for answer in answered if answer.get("timing")]


def history(service: Service, count: int):
    for number in range(count):
        service.submit(PAST | {"name": f"past {number}", "seed": number})
    while service.get("/v1/jobs?state=queued&limit=1")["data"] or service.get("/v1/jobs?state=running&limit=1")["data"]:
        time.sleep(0.2)


def centile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(service: Service, browser: chromium.Chromium, arguments, tally: faults.Tally):
    begun = time.monotonic()
    history(service, arguments.history)
    print(f"{arguments.history} jobs of the past in {time.monotonic() - begun:.0f} s", flush=True)
    jobs = [service.submit(TRAINING | {"name": f"training {number}"}) for number in range(2)]
    for job in jobs:
        while service.get(f"/v1/jobs/{job}")["progress"]["epoch"] in (None, 0, 1):
            time.sleep(0.1)
    places = ["#/jobs", f"#/jobs/{jobs[0]}", f"#/jobs/{jobs[1]}", f"#/compare?jobs={jobs[0]},{jobs[1]}", "#/leaderboard"]
    without, having, waits, longest = [], [], [], []
    client = Client(service, jobs)
    client.start()
    for _ in range(arguments.rounds):
        stretch = Stretch(service, jobs)
        browser.wait(arguments.seconds)
        without.append(stretch.end())
        pages = []
        for number in range(arguments.tabs):
            page = browser.page(newWindow=False)
            page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH_LONGEST)
            page.open(f"{service.base}/{places[number % len(places)]}")
            pages.append(page)
        for page in pages:
            page.until("!!document.querySelector('h1')", 60)
        # What the tabs still load belongs to their opening.
        browser.wait(SETTLING)
        stretch = Stretch(service, jobs)
        browser.wait(arguments.seconds)
        having.append(stretch.end())
        visible = sum(page.evaluate("document.visibilityState") == "visible" for page in pages)
        for page in pages:
            waits += answers(page)
            longest.append(page.evaluate("window.longest"))
            page.close()
    client.ended.set()
    client.join()
    for job in jobs:
        service.request(f"/v1/jobs/{job}/cancel", "POST")
    slowest = ", ".join(f"{path[:60]} {wait:.0f} ms" for wait, path in sorted(waits, reverse=True)[:5])
    print(f"the slowest of the tabs: {slowest}")
    waits = [wait for wait, _ in waits]
    for name, values in ((f"{len(waits)} requests of {arguments.tabs} tabs, {visible} of them visible", waits), (f"{len(client.waits)} requests of a client", client.waits)):
        note = f"median {statistics.median(values):.1f} ms, 99 % within {centile(values, 0.99):.1f}, the longest {max(values):.1f}"
        tally.check(f"{name}: none waits more than {MOST_MILLISECONDS} ms", [note] if max(values) > MOST_MILLISECONDS else [], note)
    note = f"longest pause of a page {max(longest):.0f} ms, median of the tabs {statistics.median(longest):.0f}"
    tally.check("no page stalls", [note] if max(longest) > 400 else [], note)
    for title, name in (("a second of the service's processor", "efficiency"), ("a second", "rate")):
        before, after = ([getattr(stretch, name) for stretch in stretches] for stretches in (without, having))
        ratio = sum(after) / sum(before)
        note = f"{ratio:.3f} ({', '.join(f'{value:.1f}' for value in after)} against {', '.join(f'{value:.1f}' for value in before)} without tabs)"
        if name == "efficiency":
            tally.check(f"updates in {title} keep 98 %", [note] if ratio < LEAST_RATIO else [], note)
        else:
            print(f"updates in {title}, the browser on the same processor: {note}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=faults.TEMPER)
    parser.add_argument("--history", type=int, default=1000)
    parser.add_argument("--tabs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    return in_browser(
        "the page under load", arguments.temper,
        lambda service, browser, tally: measure(service, browser, arguments, tally), TEMPER_WORKERS="2")


if __name__ == "__main__":
    sys.exit(main())
