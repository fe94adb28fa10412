"""A workload under the recorder: the trace, the answers, and the folder as the process left it."""

import fcntl
import os
import shutil
import subprocess

from power import trace
from power.disk import Disk
from power.server import Server
from power.trace import Kind, TraceError
from power.workload import Exchange, Workload

SOURCES = [
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), name)
    for name in ("recorder.c", "recorder_trace.c", "recorder_writes.c")]


def compiled(folder):
    """The recorder as a library in `folder`."""
    library = os.path.join(folder, "recorder.so")
    compiler = next((name for name in ("clang", "cc", "gcc") if shutil.which(name)), None)
    if compiler is None:
        raise TraceError("there is no C compiler: clang of the Swift toolchain or cc is needed")
    subprocess.run([compiler, "-std=gnu11", "-O2", "-fPIC", "-shared", "-o", library, *SOURCES, "-ldl"], check=True)
    return library


class Recording:
    def __init__(self, program, folder, seed):
        data, file = os.path.join(folder, "data"), os.path.join(folder, "trace")
        environment = {
            "LD_PRELOAD": compiled(folder), "TEMPER_RECORDER_TRACE": file, "TEMPER_RECORDER_FOLDER": data}
        with Server(program, data, os.path.join(folder, "recorded"), environment=environment) as server:
            self.exchanges = Workload(server, seed).run()
            _kill_between_records(server, file)
        self.operations = trace.read(file, data)
        self.moments = self._moments()
        self._compare(data)

    def _moments(self):
        """The place in the trace of the answer to each exchange."""
        found = {}
        for index, operation in enumerate(self.operations):
            number = _exchange(operation) if operation.kind is Kind.ANSWER else None
            if number is not None:
                found[number] = index
        missing = [exchange.number for exchange in self.exchanges if exchange.number not in found]
        if missing:
            raise TraceError(f"the trace does not have the answers to {len(missing)} requests: {self.exchanges[missing[0]]}")
        return found

    def _compare(self, data):
        """The operations, followed from the first to the last, make the very folder that the process left."""
        disk = Disk()
        for operation in self.operations:
            disk.apply(operation)
        followed, found = disk.tree(), tree(data)
        for path in sorted(followed.keys() | found.keys()):
            if path in followed and path in found and followed[path] == found[path]:
                continue
            raise TraceError(f"{path} is not as the trace has it: an operation was not recorded")


def _kill_between_records(server, file):
    # The recorder holds this lock from before a call until its record is written.
    with open(file, "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        server.kill()


def _exchange(operation):
    for line in operation.data.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        if name.lower() == b"x-request-id" and value.startswith(Exchange.PREFIX.encode()):
            return int(value[len(Exchange.PREFIX):])
    return None


def tree(root):
    """Paths and contents below a folder; None for a folder."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), root)] = None
        for name in names:
            path = os.path.join(folder, name)
            if not path.endswith(Disk.IGNORED):
                with open(path, "rb") as stream:
                    found[os.path.relpath(path, root)] = stream.read()
    return found
