#!/usr/bin/env python3
"""Other people's conformance tests of HTTP/1.1 against `EchoServer`, which is the HTTP module alone.

    swift build -c release --product EchoServer
    conformance.py --echo .build/release/EchoServer --h1spec http_test.ts [--deno deno]    # github.com/uNetworking/h1spec
    conformance.py --echo .build/release/EchoServer --llhttp FOLDER/test/request           # github.com/nodejs/llhttp

Neither corpus is part of this project: give the path of a copy. h1spec needs Deno (`pip install deno`). Exits 1 where a test fails, or where an
answer differs from llhttp's and no row of LLHTTP_DIFFERENCES explains it.

llhttp is a parser and no server: it asks for no Host and answers nothing. So a request of HTTP/1.1 without one gets `Host: a` as its first field,
what llhttp takes has to be answered with 200, and what it refuses with 4xx or 5xx. What follows an upgrade is not HTTP any more and is left out.
"""
import argparse
import json
import pathlib
import re
import socket
import subprocess
import sys

REFUSED, TAKEN, OPEN = "refused", "taken", "unfinished"

# Where this server differs from llhttp: a pattern of the test's name or its first line, what is done here, and why.
LLHTTP_DIFFERENCES: list[tuple[str, str, str]] = [
    ("Restarting when keep-alive|multiple events", REFUSED, "the requests behind the first have no Host (9112 §3.2): the first is answered, the next is 400"),
    ("keep-alive is off|explicit `close`", TAKEN, "the request is answered and the connection closed; what follows is not read (9112 §9.6)"),
    ("implicit `keep-alive`", TAKEN, "the request that is whole is answered; the one behind it never ends"),
    ("Content-Length` overflow|duplicate `Content-Length|Missing CRLF-CRLF|Invalid HTTP version|Invalid space after start", OPEN,
     "the head never ends, and its faults are looked for when it has, so that the answer is one"),
    ("ANNOUNCE method|Invalid method", TAKEN, "a method is any token (9110 §9.1); which there are is the router's to say, by 405"),
    ("M-SEARCH", REFUSED, "an asterisk is the target of OPTIONS alone (9112 §3.2.4)"),
    ("with ICE|with RTSP", REFUSED, "another protocol than HTTP (9112 §2.3)"),
    ("No HTTP version", REFUSED, "HTTP/0.9 is not spoken"),
    ("`chunked` as last transfer-encoding|Fragment in URI", REFUSED, "a fragment is no part of a target (9112 §3.2, 3986 §4.3)"),
    ("basic auth", REFUSED, "a user in an http URL is an error (9110 §4.2.4), and these characters are in no host"),
]


class Echo:
    """`EchoServer` for as long as the program runs."""

    def __init__(self, path: str):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen([path, str(self.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline().startswith("listening"):
            sys.exit(f"{path} does not listen")

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def ask(self, request: bytes, wait: float = 1.0) -> bytes:
        """Sends bytes and no more; everything that comes until the server closes or is silent for a while."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as client:
            answer = b""
            try:
                client.sendall(request)
                while piece := client.recv(65536):
                    answer += piece
                    if complete(answer):
                        client.settimeout(0.15)
            except (TimeoutError, ConnectionError):
                pass
            return answer


def complete(answer: bytes) -> bool:
    """Whether the bytes end with a whole answer."""
    head, end, body = answer.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and length is not None and len(body) >= int(length[1])


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


# llhttp's corpus


def unescaped(text: str) -> bytes:
    """A request of the corpus, by the rules of its `md-test.ts`."""
    text = text.removesuffix("\n")
    text = re.sub(r"\\(\r\n|\r|\n)", "", text)
    text = re.sub(r"\r\n|\r|\n", "\r\n", text)
    for letter, character in (("r", "\r"), ("n", "\n"), ("t", "\t"), ("f", "\f")):
        text = text.replace(f"\\{letter}", character)
    text = re.sub(r"\\x([0-9a-fA-F]+)", lambda match: chr(int(match[1], 16)), text)
    text = re.sub(r"\\([0-7]{1,3})", lambda match: chr(int(match[1], 8)), text)
    text = re.sub(r"\$\{'(.)'\.repeat\((\d+)\)\}", lambda match: match[1] * int(match[2]), text)
    return text.encode("utf-8")


def corpus(folder: pathlib.Path):
    """Each request of llhttp's strict mode: file, name, bytes, and what its log says."""
    for path in sorted(folder.glob("*.md")):
        name, meta, blocks, fence = "", {}, {}, None
        for line in path.read_text().splitlines(keepends=True):
            if fence:
                if line.startswith("```"):
                    fence = None
                else:
                    blocks[fence] = blocks.get(fence, "") + line
            elif line.startswith("```"):
                fence = line[3:].strip()
            elif line.startswith("#"):
                name, meta, blocks = line.lstrip("#").strip(), {}, {}
            elif line.startswith("<!-- meta="):
                meta, blocks = json.loads(line[len("<!-- meta=") : line.rindex("-->")]), {}
            if fence is None and "http" in blocks and "log" in blocks:
                if meta.get("type") == "request" and not {"pause", "skipBody"} & meta.keys():
                    yield path.name, name, unescaped(blocks["http"]), blocks["log"]
                blocks = {}


def with_host(request: bytes) -> bytes:
    """The same with a Host in its first head, where that is of HTTP/1.1 and has none."""
    before = request[: len(request) - len(request.lstrip(b"\r\n"))]
    line, end, rest = request[len(before) :].partition(b"\r\n")
    head = rest.partition(b"\r\n\r\n")[0]
    if not end or not line.endswith(b"HTTP/1.1") or re.search(rb"(?im)^host\s*:", head):
        return request
    return before + line + end + b"Host: a\r\n" + rest


def expected(log: str) -> str:
    last = log.strip().splitlines()[-1]
    if "Pause on CONNECT/Upgrade" in log:
        return TAKEN
    if re.search(r"error code=\d+", log):
        return REFUSED
    return TAKEN if "message complete" in last or "reset" in last else OPEN


def seen(answer: bytes) -> str:
    found = statuses(answer)
    if not found:
        return OPEN
    # A body that never comes is answered with 408 after a while.
    return OPEN if found[-1] == 408 else REFUSED if found[-1] >= 400 else TAKEN


def llhttp(echo: Echo, folder: pathlib.Path) -> bool:
    rows, faults, total = [], 0, 0
    for file, name, request, log in corpus(folder):
        total += 1
        wanted = expected(log)
        answer = echo.ask(with_host(request))
        got = seen(answer)
        if got == wanted:
            continue
        first = request.split(b"\r\n")[0].decode("utf-8", "replace")[:60]
        why = next((why for pattern, here, why in LLHTTP_DIFFERENCES if here == got and re.search(pattern, f"{file}: {name}")), None)
        faults += why is None
        detail = re.search(rb'"detail":"([^"]*)', answer)
        rows.append((file, name, first, wanted, f"{got} {statuses(answer)}", why or "NOT EXPLAINED: " + (detail[1].decode() if detail else "")))
    for row in rows:
        print(" | ".join(row))
    print(f"llhttp: {total} requests, {total - len(rows)} as llhttp, {len(rows)} otherwise, {faults} not explained")
    return total > 0 and faults == 0


# h1spec


def h1spec(echo: Echo, script: str, deno: str) -> bool:
    run = subprocess.run([deno, "run", "--allow-net", script, "127.0.0.1", str(echo.port)], capture_output=True, text=True, timeout=300)
    text = re.sub(r"\x1b\[[0-9;]*m", "", run.stdout + run.stderr)
    print("\n".join(line for line in text.splitlines() if "passed" in line.lower() or "failed" in line.lower() or "❌" in line))
    summary = re.search(r"(\d+) (?:out of|/|of) (\d+)", text)
    return summary is not None and summary[1] == summary[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--echo", required=True, help="the executable EchoServer")
    parser.add_argument("--h1spec", help="the path of http_test.ts")
    parser.add_argument("--deno", default="deno")
    parser.add_argument("--llhttp", type=pathlib.Path, help="the folder test/request of llhttp")
    options = parser.parse_args()
    echo = Echo(options.echo)
    results = []
    if options.h1spec:
        results.append(h1spec(echo, options.h1spec, options.deno))
    if options.llhttp:
        results.append(llhttp(echo, options.llhttp))
    echo.end()
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
