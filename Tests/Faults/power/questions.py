"""What is asked of a server after a power loss, and what is wrong with its answers, as sentences."""

import hashlib
import json
import time

from power import specs

# For what a job must come to by itself; a job that does not is wrong.
PATIENCE_SECONDS = 30
PAUSE_SECONDS = 0.005
# A running job may replace a checkpoint between the list and the download.
ATTEMPTS = 10


def broken_job(server, thing, now):
    """What a job does not have that it had when it was seen last. `now`: as it is answered."""
    if now["state"] not in _allowed(thing):
        yield f"is {now['state']} ({now['reason']}), after it was {thing.seen['state']}"
    if now["state"] == "succeeded":
        for part in ("report", "gate"):
            answer, before = server.call("GET", f"{thing.path}/{part}"), getattr(thing, part)
            if answer.status != 200:
                yield f"has lost its {part}: {refused(answer)}"
            elif before not in (None, answer.body):
                yield f"has another {part}"
    yield from _broken_saving(server, thing, now)
    yield from _broken_checkpoints(server, thing)


def _allowed(thing):
    if thing.seen["terminal"]:
        return {thing.seen["state"]}
    if thing.cancel_acknowledged:
        return {"cancelling", "cancelled", "succeeded"}
    return {"queued", "running", "succeeded"} | ({"cancelling", "cancelled"} if thing.cancel_begun else set())


def _broken_saving(server, thing, now):
    """A job goes on from the step that it was said to be saved up to, or from a later one."""
    saved, end = thing.seen["progress"].get("saved_step"), time.monotonic() + PATIENCE_SECONDS
    if not saved:
        return
    # The state may be looked at only when the job is its turn.
    while not now["terminal"] and now["state"] != "queued" and now["progress"].get("saved_step") is None and time.monotonic() < end:
        time.sleep(PAUSE_SECONDS)
        now = server.call("GET", thing.path).json
    found = now["progress"].get("saved_step")
    if not now["terminal"] and now["state"] != "queued" and (found or 0) < saved:
        yield f"is saved up to step {found}, after it was saved up to {saved}"


def _broken_checkpoints(server, thing):
    """Each listed role is there, its file has the digest of the list, and it is no older than it was.

    A job that goes on from its last saved state may take back what it had listed since; it comes to the same again.
    """
    end, attempts = time.monotonic() + PATIENCE_SECONDS, ATTEMPTS
    while True:
        has_ended = server.call("GET", thing.path).json["terminal"]
        answer = server.call("GET", f"{thing.path}/checkpoints")
        if answer.status != 200:
            return [f"has lost the list of its checkpoints: {refused(answer)}"]
        now = {record["role"]: record for record in answer.json["data"]}
        lost, behind = _changed(thing, now), _behind(thing, now)
        damaged = list(_damaged(server, thing, now))
        attempts -= bool(damaged)
        if lost or not (damaged or behind) or has_ended or attempts == 0 or time.monotonic() > end:
            return lost + damaged + behind
        time.sleep(PAUSE_SECONDS)


def _changed(thing, now):
    problems = []
    for before in thing.checkpoints:
        found = now.get(before["role"])
        if found is None:
            problems.append(f"has lost its checkpoint {before['role']}")
        elif found["sha256"] != before["sha256"] and (thing.checkpoints_are_final or found["epoch"] == before["epoch"]):
            problems.append(f"has another checkpoint {before['role']} of epoch {before['epoch']}")
    return problems


def _behind(thing, now):
    return [
        f"has a checkpoint {before['role']} of epoch {now[before['role']]['epoch']}, it was of {before['epoch']}"
        for before in thing.checkpoints if before["role"] in now and now[before["role"]]["epoch"] < before["epoch"]]


def _has_passed_on(server, thing, record):
    """Whether a job that goes on has given the role to a later checkpoint since it was asked."""
    return all(later["id"] != record["id"] for later in server.call("GET", f"{thing.path}/checkpoints").json["data"])


def _damaged(server, thing, now):
    for record in now.values():
        file = server.call("GET", f"{thing.path}/checkpoints/{record['id']}")
        if file.status == 404 and not thing.checkpoints_are_final and _has_passed_on(server, thing, record):
            continue
        if file.status != 200:
            yield f"has lost the file of its checkpoint {record['role']}: {refused(file)}"
        elif hashlib.sha256(file.body).hexdigest() != record["sha256"]:
            yield f"has a damaged file of its checkpoint {record['role']}"


def unusable(server, data, model):
    """Why a job on a data set, from the weights of a model where that is not None, does not succeed; None when it does.

    Jobs that go on are cancelled for it: one worker runs one job.
    """
    for job in listed(server, "jobs").values():
        if not job["terminal"]:
            server.call("POST", f"/v1/jobs/{job['id']}/cancel")
    answer = server.call("POST", "/v1/jobs", specs.train("on what was uploaded", data, epochs=1, model=model))
    if answer.status != 201:
        return f"is refused: {refused(answer)}"
    job, end = answer.json, time.monotonic() + PATIENCE_SECONDS
    while not job["terminal"]:
        if time.monotonic() > end:
            return f"is {job['state']} after {PATIENCE_SECONDS} s"
        time.sleep(PAUSE_SECONDS)
        job = server.call("GET", f"/v1/jobs/{job['id']}").json
    return None if job["state"] == "succeeded" else f"ends as {job['state']}: {job['reason']}"


def listed(server, kind):
    answer = server.call("GET", f"/v1/{kind}?limit=200")
    return {record["id"]: record for record in answer.json["data"]} if answer.status == 200 else {}


def refused(answer):
    """The status, and the problem in short where the status alone does not tell it."""
    if answer.status in (404, 500):
        return f"{answer.status}"
    try:
        detail = json.loads(answer.body).get("detail") or ""
    except (ValueError, AttributeError):
        detail = ""
    return f"{answer.status}" + (f" ({detail[:90]})" if detail else "")
