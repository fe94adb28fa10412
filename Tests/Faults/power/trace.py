"""The trace that recorder.c writes."""

import enum
import struct
from dataclasses import dataclass


class Kind(enum.IntEnum):
    OPEN = 1
    WRITE = 2
    RESIZE = 3
    SYNC = 4
    SYNC_ALL = 5
    RENAME = 6
    UNLINK = 7
    MKDIR = 8
    LINK = 9
    ANSWER = 10
    RANGE = 11
    UNKNOWN = 12


@dataclass(frozen=True)
class Operation:
    """One call that succeeded. Paths are relative to the recorded folder; "" is the folder itself."""

    kind: Kind
    path: str = ""
    data: bytes = b""
    # The new name of RENAME and LINK.
    target: str = ""
    # OPEN: an existing file was cut. WRITE: the call itself synced. SYNC, UNLINK: of a folder.
    flag: bool = False
    inode: int = 0
    # Of WRITE; the new size of RESIZE.
    offset: int = 0

    def __str__(self):
        name = self.kind.name.lower()
        if self.kind is Kind.WRITE:
            return f"{name} {self.path} [{self.offset}, {self.offset + len(self.data)})"
        if self.kind is Kind.RESIZE:
            return f"{name} {self.path} to {self.offset}"
        return f"{name} {self.path}" + (f" -> {self.target}" if self.target else "")


class TraceError(Exception):
    """The trace cannot be replayed: nothing that it shows would be true."""


HEAD = struct.Struct("=IIBBHIQQ")


def read(file, folder):
    """The operations of a trace file. A record that the end of the process cut off is left out."""
    with open(file, "rb") as stream:
        contents = stream.read()
    operations, position = [], 0
    while position + HEAD.size <= len(contents):
        path_bytes, data_bytes, kind, flag, _, _, inode, offset = HEAD.unpack_from(contents, position)
        start = position + HEAD.size
        position = start + path_bytes + data_bytes
        if position > len(contents):
            break
        path, data = contents[start:start + path_bytes].decode(), contents[start + path_bytes:position]
        target = ""
        if kind in (Kind.RENAME, Kind.LINK):
            target, data = _relative(data.decode(), folder), b""
        operations.append(
            Operation(Kind(kind), _relative(path, folder), data, target, bool(flag), inode, offset))
    return operations


def _relative(path, folder):
    # What the kernel says of a descriptor whose file has lost its name.
    path = path.removesuffix(" (deleted)")
    if path in ("", folder):
        return ""
    if not path.startswith(folder + "/"):
        raise TraceError(f"the trace names {path}, which is not below {folder}")
    return path[len(folder) + 1:]
