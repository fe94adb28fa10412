"""What the fault programs share: a service that may be killed at any moment, a client that knows which errors that excuses, what a
finished job left, and a tally of checks. Only the standard library of Python."""
import atexit
import hashlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEMPER = os.path.join(ROOT, ".build", "release", "temper")
TERMINAL = {"succeeded", "failed", "cancelled"}
DURABLE_EVENTS = {"state", "metric", "warning", "checkpoint", "end"}
# A request that takes longer hangs; so does a job that does not advance, or an event stream without its heartbeat of every 15 s.
HANG_SECONDS = 10.0
STALL_SECONDS = 40.0
SILENCE_SECONDS = 15 + HANG_SECONDS


def say(text):
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


# MARK: The tally


class Tally:
    """Counts checks and prints each as it is made."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, problems=(), note=""):
        """A check holds when there are no problems, a sentence each; the first few are printed."""
        problems = list(problems)
        if not problems:
            self.passed += 1
            print(f"ok      {name}" + (f" ({note})" if note else ""), flush=True)
            return True
        self.failed += 1
        print(f"FAILED  {name}: {len(problems)} faults" + (f" ({note})" if note else ""), flush=True)
        for problem in problems[:5]:
            print(f"        {problem}", flush=True)
        return False

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped {name}: {why}", flush=True)

    def finish(self):
        """Prints the last line and gives the exit status."""
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""), flush=True)
        return 1 if self.failed else 0


# MARK: Folders and ports

def scratch(prefix):
    """A folder that goes when the program ends, unless FAULTS_KEEP is set."""
    folder = tempfile.mkdtemp(prefix=f"temper-{prefix}-")
    if os.environ.get("FAULTS_KEEP"):
        say(f"keeping {folder}")
    else:
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def end_on_signals():
    """A signal ends the program the usual way, so that what was registered with atexit runs."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))


def free_port():
    """A free port below those that the system gives to clients: while the service is down, a client that connects to a port of that range
    may be given the very port as its own and be connected to itself."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


# MARK: The service


class Service:
    """`temper serve` on a data folder: started, killed and started again on the same port.

    `generation` counts the ends that the program brought about, and is raised before each: a request that fails in the generation in
    which it began has no excuse. `faults` collects those.
    """

    def __init__(self, temper, data, options=(), config=None):
        self.temper, self.data, self.options = temper, data, list(options)
        self.options += ["--config", config] if config else []
        self.port = free_port()
        self.process, self.generation, self.up = None, 0, False
        self.faults, self._lock = [], threading.Lock()
        self.log_path = os.path.join(tempfile.mkdtemp(prefix="temper-log-"), "log")
        atexit.register(self._leave)

    def launch(self):
        """Starts the process and does not wait for it."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.temper, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}", *self.options], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        return time.monotonic()

    def start(self, seconds=60.0):
        """Starts the process; returns the seconds to the first 200 of /readyz, or None when it ended or took too long."""
        return self.await_ready(self.launch(), seconds)

    def await_ready(self, since, seconds=60.0):
        while time.monotonic() - since < seconds and self.process.poll() is None:
            if self._is_ready():
                self.up = True
                return time.monotonic() - since
            time.sleep(0.005)
        return None

    def _is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            status = connection.getresponse().status
            connection.close()
            return status == 200
        except (OSError, http.client.HTTPException):
            return False

    def kill(self):
        """SIGKILL; returns the moment."""
        self._go_down()
        moment = time.monotonic()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return moment

    def stop(self, seconds=30.0):
        """SIGTERM; returns the exit status, None when it did not end in time and was killed."""
        self._go_down()
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None

    def _go_down(self):
        with self._lock:
            self.up = False
            self.generation += 1

    def _leave(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(os.path.dirname(self.log_path), ignore_errors=True)

    def fault(self, kind, text):
        with self._lock:
            self.faults.append((kind, text))

    def faults_of(self, *kinds):
        with self._lock:
            return [text for kind, text in self.faults if kind in kinds]

    def log(self, offset=0):
        """The lines of the log from a byte offset, each a dictionary; a line that is not JSON has the key `text` alone."""
        with open(self.log_path, "rb") as file:
            file.seek(offset)
            text = file.read().decode("utf-8", "replace")
        return [parsed(line) for line in text.splitlines() if line.strip()]

    def log_size(self):
        return os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0

    def memory(self, key="RssAnon"):
        """A figure of /proc/PID/status in bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(key + ":"))


def parsed(line):
    try:
        value = json.loads(line)
        return value if isinstance(value, dict) else {"text": line}
    except ValueError:
        return {"text": line}


# MARK: The client


class Unavailable(Exception):
    """There was no answer: the service was down or was ended meanwhile, or a fault has been noted."""


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def problem(self):
        """The code at the end of a problem document's type."""
        value = self.json
        return str(value.get("type", "")).rsplit(":", 1)[-1] if isinstance(value, dict) else ""

    def __repr__(self):
        return f"{self.status} {self.body[:160]!r}"


class Client:
    """One connection to a service, for one thread. A failure is excused when the service was ended while the request was under way."""

    def __init__(self, service):
        self.service, self.connection, self.socket, self.generation = service, None, None, -1

    def call(self, method, path, body=None, headers=None, timeout=HANG_SECONDS):
        """One request and its whole answer. Raises `Unavailable`."""
        began, generation, up = time.monotonic(), self.service.generation, self.service.up
        try:
            response = self.open(method, path, body, headers, timeout)
            answer = Answer(response.status, response.headers, response.read())
            if response.will_close:
                self.close()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self.excuse(generation, up, f"{method} {path}", began, error)
            raise Unavailable() from error
        if answer.status >= 500 and answer.status not in (503, 507):
            self.service.fault("status", f"{method} {path} answered {answer!r}")
        return answer

    def open(self, method, path, body=None, headers=None, timeout=HANG_SECONDS):
        """Sends a request and reads the head of its answer; for streams. Raises what http.client does."""
        if self.connection is None or self.generation != self.service.generation:
            self.close()
            self.generation = self.service.generation
            self.connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=timeout)
        self.connection.timeout = timeout
        if self.connection.sock is not None:
            self.connection.sock.settimeout(timeout)
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
        self.connection.request(method, path, body, headers or {})
        # The answer may take the socket over.
        self.socket = self.connection.sock
        return self.connection.getresponse()

    def excuse(self, generation, up, what, began, error):
        """Notes a fault, unless the service was down or was ended meanwhile."""
        if not up or self.service.generation != generation:
            return
        seconds = time.monotonic() - began
        if isinstance(error, TimeoutError):
            self.service.fault("hang", f"{what} had no answer for {seconds:.1f} s")
        else:
            self.service.fault("broken", f"{what} broke off after {seconds:.1f} s: {type(error).__name__} {error}")

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def get(self, path, headers=None, timeout=HANG_SECONDS):
        return self.call("GET", path, headers=headers, timeout=timeout)

    def insist(self, method, path, body=None, headers=None, seconds=120.0, timeout=HANG_SECONDS):
        """The same request until it is answered with something else than "later". `body` may be a function that makes it anew."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                answer = self.call(method, path, body() if callable(body) else body, headers, timeout)
            except Unavailable:
                time.sleep(0.02)
                continue
            if answer.status not in (429, 503) and answer.problem != "idempotency_in_progress":
                return answer
            time.sleep(0.1)
        self.service.fault("hang", f"{method} {path} was not answered in {seconds:.0f} s of trying")
        raise Unavailable()

    def all(self, path, limit=200):
        """Every entry of a list, page by page."""
        found, after = [], None
        while True:
            cursor = f"&after={after}" if after is not None else ""
            answer = self.insist("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}", headers={"Accept": "application/json"})
            if answer.status != 200:
                raise AssertionError(f"GET {path} answered {answer!r}")
            page = answer.json
            found += page["data"]
            if not page.get("has_more"):
                return found
            after = page["last_id"]

    def submit(self, spec, key=None):
        """The id of a job. Raises AssertionError when it is refused."""
        answer = self.insist("POST", "/v1/jobs", spec, {"Idempotency-Key": key} if key else None)
        if answer.status != 201:
            raise AssertionError(f"a submit was answered {answer!r}")
        return answer.json["id"]

    def upload(self, kind, content, name="soak", key=None, slices=None):
        """The record of a data set or model. `slices` sends the body piece by piece, so that there is a time within the upload."""
        form = "npz" if kind == "datasets" else "safetensors"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
        if key:
            headers["Idempotency-Key"] = key
        body = (lambda: pieces(content, slices)) if slices else content
        answer = self.insist("POST", f"/v1/{kind}?name={name}&format={form}", body, headers, timeout=2 * HANG_SECONDS)
        if answer.status != 201:
            raise AssertionError(f"an upload to {kind} was answered {answer!r}")
        return answer.json

    def wait(self, job, seconds=300.0, until=lambda job: job["terminal"]):
        """Polls a job until it is so; None when it does not come so far in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                answer = self.get(f"/v1/jobs/{job}")
                if answer.status == 200 and until(answer.json):
                    return answer.json
            except Unavailable:
                pass
            time.sleep(0.05)
        return None


def pieces(content, size):
    for start in range(0, len(content), size):
        yield content[start:start + size]
        time.sleep(0.002)


# MARK: What a job left

IDENTIFIER = re.compile(r"\b(job|ds|mdl|ckpt|evt)_[0-9a-z]{20,}\b")
TIMES = re.compile(r"(^|_)(seconds|at|per_second)$")


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def comparable(value):
    """A document without what differs between two runs of the same job: identifiers and times."""
    if isinstance(value, dict):
        return {key: comparable(entry) for key, entry in value.items() if not TIMES.search(key) and key not in ("attempt", "attempts")}
    if isinstance(value, list):
        return [comparable(entry) for entry in value]
    return IDENTIFIER.sub(r"\1", value) if isinstance(value, str) else value


def outcome(client, job):
    """What a finished job left, as far as it must be the same for every run of its spec: for `differences`."""
    state = client.insist("GET", f"/v1/jobs/{job}").json
    left = {"state": state["state"], "warnings": comparable(state.get("warnings", [])), "checkpoints": {}}
    for entry in client.all(f"/v1/jobs/{job}/checkpoints"):
        body = client.insist("GET", f"/v1/jobs/{job}/checkpoints/{entry['id']}", timeout=30)
        found = sha256(body.body) if body.status == 200 else f"answered {body.status}"
        left["checkpoints"][entry["role"]] = (found, entry["sha256"], entry["bytes"], entry["epoch"], comparable(entry["metrics"]))
    left["metrics"] = comparable(client.insist("GET", f"/v1/jobs/{job}/metrics").json)
    left["report"] = comparable(client.insist("GET", f"/v1/jobs/{job}/report").json)
    return left


def differences(expected, found, path=""):
    """Where two documents differ, as a list of sentences."""
    if type(expected) is type(found) and isinstance(expected, dict):
        return [each for key in sorted(set(expected) | set(found)) for each in differences(
            expected.get(key, "nothing"), found.get(key, "nothing"), f"{path}/{key}")]
    if type(expected) is type(found) and isinstance(expected, list) and len(expected) == len(found):
        return [each for index, pair in enumerate(zip(expected, found)) for each in differences(*pair, f"{path}/{index}")]
    return [] if expected == found else [f"{path} is {str(found)[:120]} instead of {str(expected)[:120]}"]
