"""What the answers up to a point of the trace have promised, and whether a server keeps it."""

from dataclasses import dataclass, field

from power.questions import broken_job, listed, refused, unusable

CREATED = {"/v1/datasets": "datasets", "/v1/models": "models", "/v1/jobs": "jobs"}


@dataclass
class Thing:
    """A data set, a model or a job that was acknowledged."""

    kind: str
    id: str
    record: dict
    # A deletion had begun, so it may be gone.
    may_be_gone: bool = False
    # Of a job: as it was seen last.
    cancel_begun: bool = False
    cancel_acknowledged: bool = False
    seen: dict = None
    report: bytes = None
    gate: bytes = None
    checkpoints: list = field(default_factory=list)
    # The list is that of a job that had ended.
    checkpoints_are_final: bool = False

    @property
    def path(self):
        return f"/v1/{self.kind}/{self.id}"

    @property
    def title(self):
        return f"the {self.kind[:-1]} {self.record.get('name')}"


class Promises:
    """Of the first `answered` exchanges, to a client that had begun no more than the first `begun`."""

    def __init__(self, exchanges, begun, answered):
        self.things = {}
        self.keyed = [exchange for exchange in exchanges[:answered + 1] if exchange.key]
        self.answered = answered
        for exchange in exchanges[:answered]:
            self._note(exchange)
        for exchange in exchanges[:answered + 1]:
            self._note_begun(exchange, exchange.number < begun)

    def _note(self, exchange):
        parts = exchange.path.split("?")[0].split("/")
        kind = CREATED.get("/".join(parts))
        if exchange.method == "POST" and kind:
            record = exchange.answer.json
            self.things[record["id"]] = Thing(kind, record["id"], record, seen=record)
        thing = self.things.get(parts[3]) if len(parts) > 3 else None
        if thing is None or exchange.method == "DELETE":
            return
        part = parts[4] if len(parts) > 4 else None
        if part == "cancel":
            thing.cancel_acknowledged = True
        if part in (None, "cancel"):
            thing.seen = exchange.answer.json
        elif part == "checkpoints" and len(parts) == 5:
            thing.checkpoints = exchange.answer.json["data"]
            thing.checkpoints_are_final = thing.seen["terminal"]
        elif part in ("report", "gate"):
            setattr(thing, part, exchange.answer.body)

    def _note_begun(self, exchange, at_first):
        parts = exchange.path.split("/")
        thing = self.things.get(parts[3]) if len(parts) > 3 else None
        if thing is None:
            return
        if exchange.method == "DELETE" and at_first:
            thing.may_be_gone = True
        if parts[-1] == "cancel":
            thing.cancel_begun = True

    # MARK: Whether they are kept

    def broken(self, server):
        """What a server does not have, as sentences."""
        problems = [*self._broken_things(server), *self._broken_keys(server)]
        # A thing that is not there cannot be used either.
        return problems or list(self._broken_files(server))

    def _broken_things(self, server):
        lists = {kind: listed(server, kind) for kind in CREATED.values()}
        for thing in self.things.values():
            answer = server.call("GET", thing.path)
            if answer.status != 200:
                if not (thing.may_be_gone and answer.status == 404):
                    yield f"{thing.title} is answered with {refused(answer)}"
                continue
            if thing.id not in lists[thing.kind]:
                yield f"{thing.title} is not in the list"
            for problem in self._broken_thing(server, thing, answer.json):
                yield f"{thing.title} {problem}"

    def _broken_thing(self, server, thing, now):
        for name in ("name", "sha256", "bytes", "created_at", "labels", "spec"):
            if now.get(name) != thing.record.get(name):
                yield f"has another {name}: {now.get(name)!r}, not {thing.record.get(name)!r}"
        if thing.kind == "jobs":
            yield from broken_job(server, thing, now)

    def _broken_keys(self, server):
        """A request that is sent again is answered as it was; one that was not answered makes one thing, whatever it had done."""
        for exchange in self.keyed:
            again = server.call(exchange.method, exchange.path, exchange.body, exchange.headers)
            name = f"the request with the key {exchange.key}, sent again,"
            if again.status != 201:
                yield f"{name} is answered with {refused(again)}"
            elif exchange.number < self.answered:
                if again.json["id"] != exchange.answer.json["id"]:
                    yield f"{name} made another thing"
                elif again.headers.get("Idempotency-Replayed") != "true":
                    yield f"{name} is not marked as a replay"
            else:
                kind = CREATED[exchange.path.split("?")[0]]
                same = [record for record in listed(server, kind).values() if record["name"] == again.json["name"]]
                if len(same) != 1:
                    yield f"{name} leaves {len(same)} things"

    def _broken_files(self, server):
        """A job that reads the uploads ends well: their files are there."""
        # The first of each kind stays.
        kept = {thing.kind: thing for thing in reversed(self.things.values()) if not thing.may_be_gone}
        if "datasets" in kept:
            model = kept.get("models")
            problem = unusable(server, kept["datasets"].id, model and model.id)
            if problem:
                yield f"a job on {kept['datasets'].title}" + (f" and {model.title}" if model else "") + f" {problem}"
