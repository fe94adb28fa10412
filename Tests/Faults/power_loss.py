#!/usr/bin/env python3
"""Shows that a power loss takes nothing that was acknowledged.

Records the writes, syncs and renames of a service at work, makes the disks that a power loss could have left at each point of the
trace, opens each with the real program, and asks it over HTTP for all that had been acknowledged by then. Needs Python 3.11 and a C
compiler.

The exit status is 0 when all disks hold, 1 when one does not, 2 when nothing could be tried.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import fnmatch
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from power import points as power_points  # noqa: E402
from power.disk import Disk  # noqa: E402
from power.promises import Promises  # noqa: E402
from power.recording import Recording  # noqa: E402
from power.server import Server, StartFailure  # noqa: E402
from power.trace import Kind, TraceError  # noqa: E402
from power.workload import WorkloadError  # noqa: E402

AT_ONCE = 2
# Defaults that take about a minute on two cores.
PLAIN_DISKS = 200
BESIDE_DISKS = 200


class Trial:
    """Disks that are written, opened by the program and questioned."""

    def __init__(self, arguments, recording, folder):
        self.arguments = arguments
        self.recording = recording
        self.folder = folder
        self.failures = []
        self.tried = 0
        self.lock = threading.Lock()

    def run(self, chosen):
        # No more disks are written ahead than are being opened: they lie in memory.
        ahead = threading.Semaphore(AT_ONCE + 1)
        disk, done = Disk(), 0
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            results = []
            for number, point in enumerate(chosen):
                for operation in self.recording.operations[done:point.operations]:
                    disk.apply(operation)
                done = point.operations
                ahead.acquire()
                folder = os.path.join(self.folder, f"disk-{number}")
                write(disk.image(beside(disk, point.beside)), folder)
                result = pool.submit(self._try, point, folder)
                result.add_done_callback(lambda _: ahead.release())
                results.append(result)
            for result in results:
                result.result()

    def _try(self, point, folder):
        keep = self.arguments.keep and os.path.join(self.arguments.keep, os.path.basename(folder))
        if keep:
            shutil.copytree(folder, keep)
        problems = self._problems(point, folder)
        if keep and not problems:
            shutil.rmtree(keep)
        elif keep:
            shutil.copy(folder + ".log", keep + ".log")
        shutil.rmtree(folder, ignore_errors=True)
        with self.lock:
            self.tried += 1
            if problems:
                self.failures.append((point, problems))
                print(line(point, problems, keep), flush=True)

    def _problems(self, point, folder):
        promises = Promises(self.recording.exchanges, point.first_answered + 1, point.last_answered)
        try:
            with Server(self.arguments.temper, folder, folder, threads=1) as server:
                problems = list(promises.broken(server))
        except StartFailure as failure:
            return [f"it does not open: {failure}"]
        except (OSError, http.client.HTTPException, ValueError, KeyError) as failure:
            return [f"the service ended or gave no sane answer: {failure!r}"]
        return problems + (self._fsck(folder) if self.arguments.fsck and not problems else [])

    def _fsck(self, folder):
        result = subprocess.run(
            [self.arguments.temper, "fsck", "--data", folder], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return []
        lines = (result.stderr or result.stdout).strip().splitlines() or ["it said nothing"]
        # Each finding, and then the sum.
        return [f"temper fsck ends with status {result.returncode}: {'; '.join(lines[-4:])}"]


def beside(disk, operation):
    """What `Disk.image` takes for a pending operation."""
    if operation is None:
        return None
    return next(change for pending, change in disk.pending() if pending is operation)


def write(image, folder):
    os.makedirs(folder)
    for path, file, operation in image:
        place = os.path.join(folder, path)
        if file is None:
            os.mkdir(place)
        else:
            with open(place, "wb") as stream:
                stream.write(file.content(operation))


def line(point, problems, keep):
    kind = f"B, beside {point.beside}" if point.beside else "A"
    shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
    return (
        f"point {point.operations} (after {point.after}, {point.last_answered} answers), disk {kind}: {shown}"
        + (f" [{keep}]" if keep else ""))


def without_syncs(recording, pattern):
    """The recording as if files of this name had never been synced."""
    recording.operations = [
        dataclasses.replace(operation, kind=Kind.RANGE)
        if operation.kind is Kind.SYNC and not operation.flag and fnmatch.fnmatch(operation.path, pattern) else operation
        for operation in recording.operations]


def select(arguments, points):
    if arguments.all:
        return power_points.choose(points, 1, None, arguments.seed)
    every = arguments.every or max(1, len(power_points.plain(points)) // PLAIN_DISKS)
    return power_points.choose(points, every, arguments.beside, arguments.seed)


def table(recording, points, chosen, trial):
    counts = collections.Counter(
        operation.kind.name.lower() for operation in recording.operations if not operation.path.endswith(Disk.IGNORED))
    rows = [(f"operations: {name}", count, "") for name, count in sorted(counts.items())]
    rows.append(("requests answered", len(recording.exchanges), ""))
    rows.append(("points of the trace", len(recording.operations) + 1, ""))
    for name, found in (("A", power_points.plain(points)), ("B", power_points.beside(points))):
        here = {id(point) for point in found}
        failed = sum(id(point) in here for point, _ in trial.failures)
        tried = sum(id(point) in here for point in chosen)
        rows.append((f"different disks {name}", len(found), f"{tried} tried, {failed} failed"))
    for name, count, note in rows:
        print(f"{name:32}{count:8}  {note}".rstrip())


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--temper", default=os.path.join(root, ".build/release/temper"), help="the executable")
    parser.add_argument("--seed", type=int, default=0, help="of the uploads and of the sample of disks")
    parser.add_argument("--every", type=int, help=f"each so many disks A (default: such that about {PLAIN_DISKS} are tried)")
    parser.add_argument("--beside", type=int, default=BESIDE_DISKS, help=f"how many disks B (default: {BESIDE_DISKS})")
    parser.add_argument("--all", action="store_true", help="every disk")
    parser.add_argument("--fsck", action="store_true", help="run temper fsck on each disk too")
    parser.add_argument("--table", action="store_true", help="print what was recorded and tried")
    parser.add_argument("--keep", metavar="DIR", help="leave the disks that fail, as they were before they were opened, in DIR")
    parser.add_argument(
        "--ignore-syncs", metavar="PATTERN",
        help="as if the syncs of such files, '*-wal' say, had not been made: shows that the test fails without them")
    parser.add_argument("--self-test", action="store_true", help="test the model of the disk, without the program")
    return parser.parse_args()


def has_fsck(temper):
    commands = subprocess.run([temper, "--help"], capture_output=True, text=True, check=False).stdout.splitlines()
    return any(line.split()[:1] == ["fsck"] for line in commands)


def scratch():
    """In memory where there is room: a thousand disks are written."""
    memory = "/dev/shm"
    has_room = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    return tempfile.TemporaryDirectory(prefix="temper-power-", dir=memory if has_room else None)


def main():
    arguments = parse()
    if arguments.self_test:
        from power import disk_tests
        return disk_tests.run()
    arguments.temper = os.path.abspath(arguments.temper)
    if arguments.fsck and not has_fsck(arguments.temper):
        print(f"{arguments.temper} has no command fsck: leave out --fsck", file=sys.stderr)
        return 2
    if arguments.keep:
        os.makedirs(arguments.keep, exist_ok=True)
    with scratch() as folder:
        folder = os.path.realpath(folder)
        try:
            recording = Recording(arguments.temper, folder, arguments.seed)
        except (TraceError, WorkloadError, StartFailure, OSError) as failure:
            print(f"nothing could be recorded: {failure}", file=sys.stderr)
            return 2
        if arguments.ignore_syncs:
            without_syncs(recording, arguments.ignore_syncs)
        points = power_points.find(recording)
        chosen = select(arguments, points)
        trial = Trial(arguments, recording, folder)
        trial.run(chosen)
    if arguments.table:
        table(recording, points, chosen, trial)
    print(f"{trial.tried - len(trial.failures)} passed, {len(trial.failures)} failed")
    return 1 if trial.failures or trial.tried == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
