"""A `temper serve` on loopback, and a client of it."""

import http.client
import json
import os
import subprocess
import time


class StartFailure(Exception):
    """The server did not come up; the text is the end of its log."""


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """The process, started and ready. To be used in a `with`, which kills it: nothing is tidied up."""

    START_SECONDS = 60

    def __init__(self, program, data, scratch, threads=None, environment=None):
        """`scratch`: the beginning of the names of its log and port file."""
        self.log, port_file = scratch + ".log", scratch + ".port"
        command = [program, "serve", "--data", data, "--listen", "127.0.0.1:0", "--workers", "1", "--port-file", port_file]
        if threads:
            command += ["--threads", str(threads)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        self.connection = None
        try:
            self.connection = http.client.HTTPConnection("127.0.0.1", self._port(port_file), timeout=60)
        except BaseException:
            self.kill()
            raise

    def _port(self, file):
        end = time.monotonic() + self.START_SECONDS
        while time.monotonic() < end:
            try:
                with open(file, encoding="ascii") as stream:
                    return int(stream.read())
            except (FileNotFoundError, ValueError):
                pass
            if self.process.poll() is not None:
                raise StartFailure(f"it ended with status {self.process.returncode}: {self.last_line()}")
            time.sleep(0.003)
        raise StartFailure(f"it did not listen within {self.START_SECONDS} s: {self.last_line()}")

    def last_line(self):
        with open(self.log, encoding="utf-8", errors="replace") as stream:
            lines = stream.read().strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def call(self, method, path, body=None, headers=None):
        """A JSON value as `body` is sent as JSON."""
        headers = dict(headers or {})
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def kill(self):
        if self.connection:
            self.connection.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
