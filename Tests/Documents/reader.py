"""Somebody who reads the documentation and types: an empty folder, `temper` on the PATH, and a service of their own."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Reader:
    """Within `with`; what was typed and made is gone afterwards."""

    def __init__(self, temper: pathlib.Path):
        self.temper = temper.resolve()
        self.address = f"127.0.0.1:{port()}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="temper-reader-"))
        (self.folder / "bin").mkdir()
        (self.folder / "bin/temper").symlink_to(self.temper)
        (self.folder / "work").mkdir()
        # Nothing of a machine's own settings, nor of a CI system that this runs in.
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("TEMPER_", "GITHUB_"))} | {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "TEMPER_SERVER": f"http://{self.address}", "REPOSITORY": str(ROOT)}

    def __enter__(self):
        # Only the receiver of webhooks that a task starts is on a loopback address.
        settings = self.environment | {"TEMPER_WEBHOOK_NETWORKS": "[127.0.0.0/8]"}
        with open(self.folder / "log", "w") as log:
            self.service = subprocess.Popen(
                [self.temper, "serve", "--listen", self.address, "--data", self.folder / "data"], stderr=log, env=settings)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(self.address.split(":")[1]))) == 0:
                    return self
            if self.service.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit(f"the service does not start: {(self.folder / 'log').read_text()}")

    def __exit__(self, *_):
        self.service.terminate()
        self.service.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def types(self, command, seconds=300, together=False, **options):
        """The end of a command and of all that it started; 124, as `timeout` has it, for one that does not end.

        `together`: what it writes as errors stands between its output, as on a terminal.
        """
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT if together else subprocess.PIPE, text=True, start_new_session=True,
            cwd=self.folder / "work", env=self.environment, **options)
        code = None
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = 124
            out, err = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode if code is None else code, out, err)
