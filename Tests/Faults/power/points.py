"""Which disks a power loss can leave: for each point of a trace what was synced (A), and that with one pending change more (B).

Between two syncs every point has the same disk A. It is tried once, with what had been acknowledged at the last of these points and
was not yet being deleted at the first: a disk that holds it is right at all of them.
"""

import random
from dataclasses import dataclass

from power.disk import Disk
from power.trace import Kind


@dataclass
class Point:
    """A disk, and the stretch of the trace in which a power loss can leave it."""

    # The disk is made of so many operations, and of a pending one beside them (None: disk A).
    operations: int
    beside: object
    after: str
    # The stretch, in operations, both included.
    first: int
    last: int
    # At its first and at its last point: how many requests had been answered.
    first_answered: int
    last_answered: int
    # An answer in this stretch acknowledged a change: it made something, ended it, or told of a job's end.
    acknowledges: bool = False


def changes_disk(operation):
    return operation.kind in (Kind.SYNC, Kind.SYNC_ALL) or operation.kind is Kind.WRITE and operation.flag


def find(recording):
    """All points of a recording, equal disks of one stretch taken together."""
    found, latest, disk = [], {}, Disk()
    answers = {index: number for number, index in recording.moments.items()}
    # Before each operation, and after the last: how many requests had been answered.
    answered, first, after = [0], 0, "the start"
    issued = {}
    for index, operation in enumerate([*recording.operations, None]):
        if operation is None or changes_disk(operation):
            for beside, key in _disks(disk):
                begin = max(first, issued[id(beside)] if beside else 0)
                point = Point(index, beside, after, begin, index, answered[begin], answered[index])
                _add(found, latest, key, point, recording.exchanges)
            first = index + 1
        if operation:
            disk.apply(operation)
            issued[id(operation)] = index + 1
            after = str(operation) if changes_disk(operation) else after
            answered.append(answers[index] + 1 if index in answers else answered[-1])
    return found


def _disks(disk):
    """A, and each B that differs from it by its key. No disk is made for this: a key is what its files and names have been through."""
    plain = disk.key()
    reachable = {file.number for file in disk.synced_files()}
    yield None, plain
    for operation, (changed, write) in disk.pending():
        if write is None:
            yield operation, (plain, id(operation), changed.key())
        elif changed.number in reachable:
            yield operation, (plain, id(operation))


def _add(found, latest, key, point, exchanges):
    known = latest.get(key)
    is_new = known is None or not known.first <= point.first <= known.last + 1
    # A disk A stands for itself, even where a B before it was the same.
    if is_new or point.beside is None and known.beside is not None:
        known = latest[key] = point
        found.append(point)
    known.last, known.last_answered = point.last, point.last_answered
    known.acknowledges |= any(_acknowledges(exchange) for exchange in exchanges[point.first_answered:point.last_answered])


def _acknowledges(exchange):
    if exchange.method != "GET":
        return True
    is_job = exchange.path.startswith("/v1/jobs/") and exchange.path.count("/") == 3
    return is_job and exchange.answer.json["terminal"]


def plain(points):
    return [point for point in points if point.beside is None]


def beside(points):
    return [point for point in points if point.beside is not None]


def choose(points, every, sample, seed):
    """Each `every`th disk A and all at which a change is acknowledged; `sample` of the disks B, half of them names. None: all of them."""
    chosen = [point for number, point in enumerate(plain(points)) if point.acknowledges or number % every == 0]
    others = beside(points)
    if sample is not None:
        generator = random.Random(seed)
        writes = [point for point in others if point.beside.kind in (Kind.WRITE, Kind.RESIZE)]
        names = [point for point in others if point.beside.kind not in (Kind.WRITE, Kind.RESIZE)]
        names = generator.sample(names, min(len(names), sample // 2))
        others = names + generator.sample(writes, min(len(writes), sample - len(names)))
    return sorted(chosen + others, key=lambda point: point.operations)
