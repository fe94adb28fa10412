"""A `temper serve` of one's own: on a free loopback port, with a temporary data folder, ended with the program that started it."""
import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from client import Connection

TICKS = os.sysconf("SC_CLK_TCK")


class Service:
    """Use it as a context: `with Service(path) as service: …`. What is not the executable's default is in `config`."""

    def __init__(self, temper, config=None, log=None):
        self.temper = pathlib.Path(temper).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="temper-benchmark-"))
        self.data, self.config = self.folder / "data", config or {}
        self.log_path = log or self.folder / "log"
        self.process, self.port = None, None

    def __enter__(self):
        # Whoever ends this program ends the service as well.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, limit=60):
        """Starts the process. Returns the seconds until `GET /readyz` was answered with 200."""
        (self.folder / "config.yaml").write_text(json.dumps(self.config))  # JSON is YAML, too
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        command = [self.temper, "serve", "--config", self.folder / "config.yaml", "--data", self.data, "--listen", "127.0.0.1:0"]
        begun = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*command, "--port-file", port_file], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        while time.monotonic() - begun < limit and self.process.poll() is None:
            if port_file.exists() and (text := port_file.read_text().strip()):
                self.port = int(text)
                if self._is_ready():
                    return time.monotonic() - begun
            time.sleep(0.002)
        raise SystemExit(f"the service did not become ready: {self.last_lines()}")

    def _is_ready(self):
        try:
            with Connection(self.port, timeout=5) as connection:
                return connection.get("/readyz").status == 200
        except OSError:
            return False

    def last_lines(self):
        try:
            return b" ".join(pathlib.Path(self.log_path).read_bytes().splitlines()[-3:]).decode(errors="replace")[-600:]
        except OSError:
            return "there is no log"

    def stop(self, limit=20):
        """Ends the process in order, by force after `limit` seconds. Returns whether it ended by itself."""
        if not self.process or self.process.poll() is not None:
            return True
        self.process.terminate()
        try:
            self.process.wait(limit)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def connection(self, timeout=60):
        return Connection(self.port, timeout)

    # Figures of the process

    def anonymous_memory(self):
        """RssAnon, in bytes; 0 when the process has ended."""
        try:
            with open(f"/proc/{self.process.pid}/status") as status:
                return next((int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon:")), 0)
        except OSError:
            return 0

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def folder_bytes(self):
        """The size of the data folder, as its files say it."""
        total = 0
        for parent, _, names in os.walk(self.data):
            for name in names:
                try:
                    total += os.lstat(os.path.join(parent, name)).st_size
                except FileNotFoundError:
                    pass  # removed meanwhile
        return total

    def processor_seconds(self):
        """Processor time of the threads that there are, by their names."""
        seconds = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                text = (task / "stat").read_text()
            except OSError:
                continue  # ended meanwhile
            name, values = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
            seconds[name] = seconds.get(name, 0) + (int(values[11]) + int(values[12])) / TICKS
        return seconds


def machine_seconds():
    """Processor time that the whole machine has spent on work, and what its host took from it."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, interrupt, soft, stolen = map(int, stat.readline().split()[1:9])
    return (user + nice + system + interrupt + soft + stolen) / TICKS


def digits_job(architecture="madry_cnn", attack_steps=7, epochs=100_000, **more):
    """A job on the built-in digits that trains for ever and learns nothing, so that no rule ends it early."""
    training = {"method": "pgd", "base_epochs": 0, "epochs": epochs, "attack": {"name": "pgd", "steps": attack_steps},
                "optimizer": {"name": "sgd", "learning_rate": 1e-9}}
    return {"dataset": {"id": "digits"}, "model": {"architecture": architecture}, "threat": {"norm": "linf", "epsilon": 0.15},
            "training": training, "evaluation": {"samples": 100, "attacks": [{"name": "fgsm"}], "curve": []}, **more}


def submitted(connection, spec):
    """Submits a job. Returns its id."""
    answer = connection.post("/v1/jobs", spec)
    if answer.status != 201:
        raise SystemExit(f"a submit was answered with {answer.status}: {answer.body[:300].decode(errors='replace')}")
    return answer.json()["id"]


def wait_until(connection, job, condition, limit=120):
    """Polls a job until `condition` holds for it. Returns the job."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        answer = connection.get(f"/v1/jobs/{job}")
        if answer.status == 200 and condition(answer.json()):
            return answer.json()
        time.sleep(0.05)
    raise SystemExit(f"the job did not come so far within {limit} s: {answer.body[:300].decode(errors='replace')}")


def moment(event):
    """When an event happened, by the service's clock, as `time.time()` counts; now, where it does not say."""
    return datetime.datetime.fromisoformat(event["at"]).timestamp() if event.get("at") else time.time()


def updates(progress):
    """Weight updates that a job's progress stands for, counted from its beginning; None before its first epoch."""
    if not progress.get("epoch") or not progress.get("steps"):
        return None
    return (progress["epoch"] - 1) * progress["steps"] + (progress["step"] or 0)
