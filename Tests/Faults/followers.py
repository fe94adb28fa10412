"""Those who follow jobs all the time, as scripts do: by polling, by long polls, by event streams that go on after every interruption."""
import http.client
import json
import random
import threading
import time

from faults import DURABLE_EVENTS, HANG_SECONDS, SILENCE_SECONDS, TERMINAL, Client, Unavailable


class Follower(threading.Thread):
    """Follows one job after another. `roster.next(random)` names the job, None while there is none; `roster.closing` says to begin with
    no other job, `roster.closed` to end at once.

    Notes in `faults` what no follower may ever see of a job: an end that is taken back, a saved step that is lost again.
    """

    def __init__(self, service, roster, number, seed):
        super().__init__(daemon=True)
        self.service, self.roster, self.number = service, roster, number
        self.random = random.Random(f"{seed} follower {number}")
        self.client = Client(service)
        self.answers, self.faults, self.slowest = 0, [], 0.0

    def run(self):
        while not self.roster.closing:
            job = self.roster.next(self.random)
            if job is None:
                time.sleep(0.1)
                continue
            self.job, self.ended, self.saved = job, None, None
            self.follow(job)
        self.client.close()

    def pause(self, least, most):
        time.sleep(self.random.uniform(least, most))

    def ask(self, path, headers=None, timeout=HANG_SECONDS):
        """An answer, or None when the service was down."""
        began = time.monotonic()
        try:
            answer = self.client.get(path, headers, timeout)
        except Unavailable:
            self.pause(0.02, 0.1)
            return None
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.answers += 1
        return answer

    def see(self, job, answer):
        """Looks at a job object; returns whether the job has ended."""
        if answer.status != 200:
            self.faults.append(f"{job} was answered {answer!r}")
            self.pause(0.2, 0.5)
            return answer.status == 404
        value = answer.json
        state, saved = value["state"], value.get("progress", {}).get("saved_step")
        self.faults += self.roster.tagged(answer)
        if self.ended and state != self.ended:
            self.faults.append(f"{job} was {self.ended} and then {state}")
        if self.saved is not None and (saved is None or saved < self.saved):
            self.faults.append(f"{job} had saved step {self.saved} and then {saved}")
        self.saved = saved if saved is not None else self.saved
        self.ended = state if state in TERMINAL else self.ended
        return bool(self.ended)


class Poller(Follower):
    """Asks again and again."""

    def follow(self, job):
        while not self.roster.closed:
            answer = self.ask(f"/v1/jobs/{job}")
            if answer and self.see(job, answer):
                self.pause(0.2, 0.4)
                return
            self.pause(0.15, 0.35)


class Waiter(Follower):
    """Asks for the next change with `wait` and the tag of what it knows."""

    def follow(self, job):
        tag = None
        while not self.roster.closed:
            was_over = job in self.roster.ended
            answer = self.ask(f"/v1/jobs/{job}?wait=20", {"If-None-Match": tag} if tag else {}, timeout=20 + HANG_SECONDS)
            if answer and answer.status == 304:
                # The tag came with a state before the end.
                if was_over:
                    self.faults.append(f"{job} has ended and is as it was for a follower who knows {tag} and has not seen the end")
                    return
            elif answer:
                tag = answer.headers.get("ETag")
                if self.see(job, answer):
                    self.pause(0.2, 0.4)
                    return
            # A page that shows progress draws ten times a second at most.
            self.pause(0.08, 0.12)


class Streamer(Follower):
    """Follows events, goes on after each interruption with `Last-Event-ID`, and now and then hangs up itself.

    `streams` holds what came, for each job followed: (id, event, data) in the order of arrival.
    """

    def __init__(self, *arguments, heard=lambda job, event, data: None):
        super().__init__(*arguments)
        self.streams, self.heard = [], heard

    def follow(self, job):
        stream = Stream(job)
        self.streams.append(stream)
        while not stream.is_over and not self.roster.closed:
            self.connect(stream)
            self.pause(0.02, 0.1)

    def connect(self, stream):
        generation, up, began = self.service.generation, self.service.up, time.monotonic()
        headers = {"Accept": "text/event-stream"}
        if stream.events:
            headers["Last-Event-ID"] = str(stream.events[-1][0])
        try:
            response = self.client.open("GET", f"/v1/jobs/{stream.job}/events", headers=headers)
            if response.status == 200:
                self.client.socket.settimeout(SILENCE_SECONDS)
                self.read(stream, response)
            else:
                self.refused(stream, response)
        except (OSError, http.client.HTTPException) as error:
            self.client.excuse(generation, up, f"the events of {stream.job}", began, error)
        self.client.close()

    def refused(self, stream, response):
        """204 says that the job has ended and nothing follows."""
        text = response.read()
        if response.status == 204:
            stream.is_over = True
        elif response.status != 503:
            self.faults.append(f"the events of {stream.job} were answered {response.status} {text[:120]!r}")
            stream.is_over = response.status == 404

    def read(self, stream, response):
        fields, left = {}, self.random.randrange(5, 200)
        while left > 0 and not self.roster.closed:
            line = response.readline()
            if not line:
                return
            line = line.rstrip(b"\r\n").decode()
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            # An event that was cut off has no empty line behind it, and was not received.
            if "id" in fields:
                self.receive(stream, fields)
                left -= 1
            fields = {}
            if stream.is_over:
                return

    def receive(self, stream, fields):
        data = json.loads(fields.get("data", "null"))
        event = fields.get("event", "message")
        stream.events.append((int(fields["id"]), event, data))
        self.answers += 1
        self.heard(stream.job, event, data)
        stream.is_over = event == "end"


class Stream:
    def __init__(self, job):
        self.job, self.events, self.is_over = job, [], False

    def doubled(self):
        """Where an id does not rise."""
        ids = [event[0] for event in self.events]
        return [f"{self.job}: {after} came after {before}" for before, after in zip(ids, ids[1:]) if after <= before]

    def missed(self, recorded):
        """Durable events of the record that this follower should have received, and did not."""
        if not self.events:
            return []
        first, last = self.events[0][0], None if self.is_over else self.events[-1][0]
        received = {event[0] for event in self.events}
        return [
            f"{self.job}: {number} ({event}) was not received by a follower of {first} to {self.events[-1][0]}"
            for number, event, _ in recorded if first <= number and (last is None or number <= last) and number not in received
        ]

    def strange(self, recorded):
        """Durable events that were received and are not recorded, or otherwise."""
        known = {number: (event, data) for number, event, data in recorded}
        return [
            f"{self.job}: {number} was received as {event} {str(data)[:100]} and is recorded as {str(known.get(number, 'nothing'))[:100]}"
            for number, event, data in self.events if event in DURABLE_EVENTS and known.get(number) != (event, data)
        ]


def recorded_events(client, job):
    """The durable events of a job as the list has them: (id, event, data), data as the stream sends it."""
    found = []
    for entry in client.all(f"/v1/jobs/{job}/events"):
        if entry["event"] in DURABLE_EVENTS:
            data = dict(entry["data"]) if isinstance(entry["data"], dict) else entry["data"]
            if isinstance(data, dict) and "at" in entry:
                data["at"] = entry["at"]
            found.append((entry["id"], entry["event"], data))
    return found


def numbers_given_twice(streams):
    """Ids of a job that two followers received with different content."""
    seen, found = {}, []
    for stream in streams:
        for number, event, data in stream.events:
            first = seen.setdefault((stream.job, number), (event, data))
            if first != (event, data):
                found.append(f"{stream.job}: {number} was {first[0]} {str(first[1])[:80]} and {event} {str(data)[:80]}")
    return found


class HealthWatch(threading.Thread):
    """Asks /healthz ten times a second, and notes each answer that takes longer than a second."""

    def __init__(self, service, roster):
        super().__init__(daemon=True)
        self.service, self.roster, self.slowest, self.slow = service, roster, 0.0, []

    def run(self):
        client = Client(self.service)
        while not self.roster.closing:
            generation, up, began = self.service.generation, self.service.up, time.monotonic()
            try:
                client.get("/healthz")
                seconds = time.monotonic() - began
                if up and generation == self.service.generation:
                    self.slowest = max(self.slowest, seconds)
                    if seconds > 1:
                        self.slow.append(f"/healthz took {seconds:.1f} s")
            except Unavailable:
                pass
            time.sleep(0.1)
