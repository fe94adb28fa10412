#!/usr/bin/env python3
"""Polls of a finished job against a static route of the same server that sends as many bytes: requests a second, by wrk.

    Tests/Benchmarks/polls.py [--temper PATH] [--rounds 5] [--seconds 3] [--connections 64]

The job's answer is padded with labels until it is as long as that of the static route. Both are measured in turn, and the medians count.
"""
import argparse
import re
import shutil
import statistics
import subprocess

from service import Service, submitted, wait_until
from table import Table, say

STATIC_ROUTES = ["/", "/openapi.json", "/schema/job.json", "/v1/architectures", "/version"]
# A label stands twice in a job, as its own and in its spec: "key":"value", each time.
LABELS, LABEL_LENGTH, KEY_LENGTH, PUNCTUATION = 64, 255, 3, 6


def small_job(labels):
    return {"dataset": {"id": "digits", "limit": 200}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": 0.1},
            "training": {"method": "standard", "base_epochs": 0, "epochs": 1},
            "evaluation": {"samples": 50, "attacks": [{"name": "fgsm"}], "curve": []}, "labels": labels}


def size(connection, path):
    """Bytes of a whole answer, head and body."""
    answer = connection.get(path)
    return len(answer.head) + 4 + len(answer.body) if answer.status == 200 else 0


def padding(count):
    """Labels that make a job's answer about `count` bytes longer."""
    labels, each = {}, KEY_LENGTH + PUNCTUATION
    while count >= 2 * (each + 1) and len(labels) < LABELS:
        length = min(LABEL_LENGTH, count // 2 - each)
        labels[f"p{len(labels):02d}"] = "x" * length
        count -= 2 * (length + each)
    return labels


def finished(connection, labels):
    job = submitted(connection, small_job(labels))
    wait_until(connection, job, lambda now: now["terminal"])
    return f"/v1/jobs/{job}"


def pair(connection):
    """A static route, and a finished job whose answer is as long."""
    bare = size(connection, finished(connection, {}))
    most = bare + 2 * LABELS * (LABEL_LENGTH + KEY_LENGTH + PUNCTUATION)
    routes = sorted((length, route) for route in STATIC_ROUTES if bare <= (length := size(connection, route)) <= most)
    if not routes:
        raise SystemExit(f"no static route has an answer of {bare} to {most} bytes")
    length, route = routes[0]
    return route, finished(connection, padding(length - bare))


def rate(port, path, options, field=None):
    """Requests a second. Answers beside 2xx and 3xx, and errors of the sockets, end the program: a fast refusal is no answer."""
    command = ["wrk", "-t2", f"-c{options.connections}", f"-d{options.seconds}s", *(["-H", field] if field else []), f"http://127.0.0.1:{port}{path}"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=options.seconds + 60, check=True).stdout
    except subprocess.TimeoutExpired:
        raise SystemExit(f"wrk did not end: {path} hangs")
    if wrong := re.search(r"Non-2xx.*|Socket errors.*[1-9].*", text):
        raise SystemExit(f"{path}: {wrong.group(0)}")
    return float(re.search(r"Requests/sec:\s*([\d.]+)", text).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--log", default="/dev/null", help="the server's log")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        say("installing wrk")
        subprocess.run(["apt-get", "install", "-y", "-qq", "wrk"], check=True, stdout=subprocess.DEVNULL)
    with Service(options.temper, log=options.log) as service, service.connection() as connection:
        static, job = pair(connection)
        tag = connection.get(job).field(b"etag").decode()
        works = {"static": (static, None), "job": (job, None), "unchanged": (job, f"If-None-Match: {tag}"), "health": ("/healthz", None)}
        sizes = {"static": size(connection, static), "job": size(connection, job)}
        if connection.request("GET", job, if_none_match=tag).status != 304:
            raise SystemExit("If-None-Match with the job's tag was not answered with 304")
        rates = {name: [] for name in works}
        for number in range(options.rounds):
            say(f"round {number + 1} of {options.rounds}")
            for name, (path, field) in works.items():
                rates[name].append(rate(service.port, path, options, field))
    middle = {name: statistics.median(values) for name, values in rates.items()}
    table = Table(f"wrk -t2 -c{options.connections}, {options.rounds} × {options.seconds} s in turn, requests/s")
    names = {"static": f"GET {static}, {sizes['static']} bytes", "job": f"GET /v1/jobs/{{id}}, {sizes['job']} bytes",
             "unchanged": "the same, answered 304", "health": "GET /healthz"}
    for name, title in names.items():
        table.add(title, f"{middle[name]:.0f}  ({min(rates[name]):.0f} to {max(rates[name]):.0f})")
    ratio = middle["job"] / middle["static"]
    table.add("job ÷ static", f"{ratio:.3f}", "≥ 0.8", ratio >= 0.8)
    table.add("304 ÷ static", f"{middle['unchanged'] / middle['static']:.3f}")
    table.add("job ÷ /healthz", f"{middle['job'] / middle['health']:.3f}")
    off = abs(sizes["job"] - sizes["static"])
    table.add("difference of the sizes", f"{off} bytes", "≤ 1 %", off * 100 <= sizes["static"])
    raise SystemExit(table.finish())


if __name__ == "__main__":
    main()
