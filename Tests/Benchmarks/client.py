"""A small HTTP/1.1 client: one connection, one request after another, and little work for each, so that it measures the server."""
import json
import select
import socket
import time


class Answer:
    """What a request was answered with. `seconds` is from sending to the last byte."""

    __slots__ = ("status", "head", "body", "seconds")

    def __init__(self, status, head, body, seconds):
        self.status, self.head, self.body, self.seconds = status, head, body, seconds

    def field(self, name):
        """The value of a header field, or None."""
        return field(self.head, name)

    def json(self):
        return json.loads(self.body)


def field(head, name):
    """The value of the field `name` (bytes, lower case) in a head, or None."""
    at = head.lower().find(b"\r\n" + name + b":")
    if at < 0:
        return None
    at += len(name) + 3
    end = head.find(b"\r\n", at)
    return head[at : end if end >= 0 else len(head)].strip()


class Connection:
    """A kept-alive connection to the loopback address; opened again when the server has closed it."""

    def __init__(self, port, timeout=60):
        self.port, self.timeout, self.socket = port, timeout, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def get(self, path, **fields):
        return self.request("GET", path, **fields)

    def post(self, path, value):
        return self.request("POST", path, json.dumps(value).encode(), content_type="application/json")

    def request(self, method, path, body=None, **fields):
        """Sends a request and reads its answer; `if_none_match="…"` is the field `If-None-Match`.

        Raises OSError when the server does not answer in time, or closes the connection instead.
        """
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        if body is not None or method != "GET":
            lines.append(f"Content-Length: {len(body or b'')}")
        message = ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")
        if self._is_closed():
            self.close()
            self.socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return self._exchange(message, method)
        except OSError:
            self.close()
            raise

    def _is_closed(self):
        """Whether there is no connection, or the server has closed it while it was idle."""
        if not self.socket:
            return True
        # Between two requests nothing is to be read but the end.
        return bool(select.select([self.socket], [], [], 0)[0])

    def _exchange(self, message, method):
        start = time.monotonic()
        self.socket.sendall(message)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        head, rest = data[:end], data[end + 4 :]
        status = int(head[9:12])
        if status in (204, 304):
            body = b""
        elif field(head, b"transfer-encoding"):
            body = self._chunks(rest)
        else:
            body = self._exactly(rest, int(field(head, b"content-length") or 0))
        seconds = time.monotonic() - start
        if (field(head, b"connection") or b"").lower() == b"close":
            self.close()
        return Answer(status, head, body, seconds)

    def _receive(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection before its answer was complete")
        return data

    def _exactly(self, have, length):
        parts, got = [have], len(have)
        while got < length:
            parts.append(self._receive())
            got += len(parts[-1])
        return b"".join(parts)

    def _chunks(self, rest):
        body = b""
        while True:
            while (end := rest.find(b"\r\n")) < 0:
                rest += self._receive()
            length = int(rest[:end].split(b";")[0], 16)
            rest = self._exactly(rest[end + 2 :], length + 2)
            if length == 0:
                return body
            body, rest = body + rest[:length], rest[length + 2 :]


class EventLines:
    """Takes a stream of server-sent events apart, as its bytes come."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        """The events that are complete with `data`: (id or None, name, data)."""
        self.rest += data
        *blocks, self.rest = self.rest.split(b"\n\n")
        for block in blocks:
            number, name, text = None, "", ""
            for line in block.decode().split("\n"):
                key, _, value = line.partition(": ")
                if key == "id":
                    number = int(value)
                elif key == "event":
                    name = value
                elif key == "data":
                    text = value
            if name:
                yield number, name, text
