"""Clients that follow one job: long polls, event streams and pollers on a single thread over epoll.

The crowd shares the processor with training, so that each answer is given as little work as can be: no HTTP library, no objects per answer,
no JSON but on the one stream that reads the job's progress.
"""
import collections
import json
import math
import select
import socket
import time

from client import EventLines, field
from service import moment, updates

WAIT_SECONDS = 20
# The service's default.
HEARTBEAT_SECONDS = 15
# After so long without an answer to /healthz the service counts as hung.
HUNG_SECONDS = 10


class Follower:
    """One connection. `wanted` is whether an answer is outstanding, `sent` since when. Where the server closes it, only those that ask at a pace
    come back."""

    def __init__(self, crowd, request):
        self.crowd, self.request = crowd, request
        self.have, self.wanted, self.sent = b"", False, 0.0
        self.socket = None

    def open(self):
        self.have, self.wanted = b"", False
        self.socket = socket.create_connection(("127.0.0.1", self.crowd.port), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.crowd.add(self)

    def close(self):
        if self.socket:
            self.crowd.remove(self)
            self.socket.close()
            self.socket = None

    def send(self):
        # A request of 200 bytes always fits into an empty socket buffer.
        self.wanted, self.sent = True, time.monotonic()
        self.socket.send(self.request)

    def readable(self):
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.received(data, time.monotonic())
        else:
            self.crowd.lost[type(self).__name__] += 1
            self.close()

    def begin(self):
        self.send()

    def received(self, data, now):
        """Collects an answer that has a Content-Length, or none of a body, and passes it on."""
        if self.have:
            data = self.have + data
        end = data.find(b"\r\n\r\n")
        if end >= 0:
            head = data[:end]
            length = 0 if head[9:12] == b"304" else int(field(head, b"content-length") or 0)
            if len(data) >= end + 4 + length:
                self.have, self.wanted = b"", False
                status = int(head[9:12])
                self.crowd.statuses[status] += 1
                self.answered(status, head, now)
                return
        self.have = data

    def answered(self, status, head, now):
        raise NotImplementedError


class Poller(Follower):
    """Asks at a steady pace; skips a turn while the answer before is outstanding."""

    def answered(self, status, head, now):
        self.crowd.polls.append(now - self.sent)
        self.crowd.see(field(head, b"etag"), now)

    def begin(self):
        pass  # the crowd's clock sends


class Probe(Poller):
    """Asks for /healthz once a second: whether anything is answered at all."""

    def answered(self, status, head, now):
        self.crowd.probes.append(now - self.sent)


class Waiter(Follower):
    """Asks for the next change, again and again. Its lateness counts from when any client first saw the tag that it is told."""

    def begin(self):
        self.request = self.crowd.wait_request(None)
        self.send()

    def answered(self, status, head, now):
        crowd = self.crowd
        tag = field(head, b"etag")
        waited = now - self.sent
        crowd.longest_wait = max(crowd.longest_wait, waited)
        if status == 304:
            crowd.unchanged_lateness.append(max(0.0, waited - WAIT_SECONDS))
        else:
            crowd.wait_lateness.append(now - max(self.sent, crowd.see(tag, now)))
        self.request = crowd.wait_request(tag)
        if status in (200, 304):
            self.send()
        else:
            crowd.clock.append([now + 1, math.inf, self])


class Stream(Follower):
    """Reads events. Its lateness counts from when any stream first saw the last event of what came, once it has caught up."""

    def begin(self):
        self.send()
        self.last = self.sent
        self.floor = self.crowd.newest_event

    def received(self, data, now):
        crowd = self.crowd
        crowd.longest_gap = max(crowd.longest_gap, now - self.last)
        self.last = now
        at = data.rfind(b"\nid: ")
        end = data.find(b"\n", at + 5) if at >= 0 else -1
        if end < 0:
            return
        number = int(data[at + 5 : end])
        seen = crowd.see(number, now)
        if number > crowd.newest_event:
            crowd.newest_event = number
        if number > self.floor:
            crowd.event_lateness.append(now - seen)


class Observer(Stream):
    """The stream that reads the progress of training, with and without the others."""

    def begin(self):
        self.lines = EventLines()
        super().begin()

    def received(self, data, now):
        super().received(data, now)
        for _, name, text in self.lines.feed(data):
            if name != "progress":
                continue
            progress = json.loads(text)
            done = updates(progress)
            if done is not None:
                self.crowd.progress.append((moment(progress), done))


class Crowd:
    def __init__(self, port, job):
        self.port, self.job = port, job
        self.epoll, self.by_descriptor = select.epoll(), {}
        self.seen = collections.OrderedDict()
        self.progress, self.newest_event = [], 0
        self.followers, self.clock = [], []
        self.hung_after = None
        self.clear()
        self.observer = Observer(self, self._request("/events"))
        self.probe = Probe(self, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        for follower in (self.observer, self.probe):
            follower.open()
            follower.begin()
        self._every(self.probe, 1.0, 0.0)

    def clear(self):
        """Forgets every figure but the job's progress."""
        self.polls, self.probes, self.wait_lateness, self.unchanged_lateness, self.event_lateness = [], [], [], [], []
        self.longest_wait = self.longest_gap = 0.0
        self.statuses, self.lost = collections.Counter(), collections.Counter()

    def _request(self, tail, fields=b""):
        return f"GET /v1/jobs/{self.job}{tail} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode() + fields + b"\r\n"

    def wait_request(self, tag):
        return self._request(f"?wait={WAIT_SECONDS}", b"If-None-Match: " + tag + b"\r\n" if tag else b"")

    def _every(self, follower, period, offset):
        self.clock.append([time.monotonic() + offset, period, follower])

    def add(self, follower):
        self.by_descriptor[follower.socket.fileno()] = follower
        self.epoll.register(follower.socket.fileno(), select.EPOLLIN)

    def remove(self, follower):
        self.epoll.unregister(follower.socket.fileno())
        del self.by_descriptor[follower.socket.fileno()]

    def see(self, what, now):
        """When a tag or the number of an event was first seen. What is long past is forgotten."""
        first = self.seen.setdefault(what, now)
        if len(self.seen) > 4096:
            self.seen.popitem(last=False)
        return first

    def join(self, waiters, streams, pollers, period=0.5, seconds=5.0):
        """Brings the followers in, evenly over `seconds`."""
        kinds = [(Waiter, waiters, b""), (Stream, streams, self._request("/events")), (Poller, pollers, self._request(""))]
        arrivals = sorted((number / count, kind.__name__, kind, request) for kind, count, request in kinds for number in range(count))
        begun = time.monotonic()
        for share, _, kind, request in arrivals:
            self.run(until=begun + share * seconds)
            if self.hung_after is not None:
                return
            follower = kind(self, request)
            self.followers.append(follower)
            follower.open()
            follower.begin()
            if kind is Poller:
                self._every(follower, period, 0.0)

    def leave(self):
        for follower in self.followers:
            follower.close()
        self.followers = []
        self.clock = [entry for entry in self.clock if entry[2] is self.probe]

    def disperse(self):
        """Ends the observer and the probe as well."""
        for follower in (self.observer, self.probe):
            follower.close()
        self.epoll.close()

    def run(self, until):
        """Serves every connection until a moment, or until nothing was answered for long."""
        while self.hung_after is None:
            now = time.monotonic()
            if now >= until:
                return
            due = min(entry[0] for entry in self.clock)
            if due <= now:
                self._send_due(now)
                continue
            for descriptor, _ in self.epoll.poll(max(0.0005, min(due, until) - now)):
                follower = self.by_descriptor.get(descriptor)
                if follower:
                    follower.readable()

    def _send_due(self, now):
        for entry in self.clock:
            if entry[0] > now:
                continue
            # After a delay the pace goes on from now: no burst makes up for turns that were missed.
            entry[0] = max(entry[0] + entry[1], now)
            follower = entry[2]
            if not follower.socket:
                try:
                    follower.open()
                except OSError:
                    self.hung_after = now - follower.sent
                    return
            if not follower.wanted:
                follower.send()
            elif follower is self.probe and now - follower.sent > HUNG_SECONDS:
                self.hung_after = now - follower.sent

    def overdue(self):
        """How many followers have waited beyond their bound for an answer that has not come yet."""
        now = time.monotonic()
        bounds = {Waiter: WAIT_SECONDS + 1, Poller: 1, Probe: 1, Stream: HEARTBEAT_SECONDS + 1, Observer: HEARTBEAT_SECONDS + 1}
        return sum(
            follower.wanted and now - (follower.last if isinstance(follower, Stream) else follower.sent) > bounds[type(follower)]
            for follower in [self.observer, self.probe, *self.followers])

    def rate(self, begin, end):
        """Weight updates a second between two moments of the day, by the service's own times."""
        inside = [entry for entry in self.progress if begin <= entry[0] <= end]
        if len(inside) < 2 or inside[-1][0] <= inside[0][0]:
            return float("nan")
        return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])
