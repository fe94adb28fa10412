"""Runs every block of commands in the README and in docs/, as a reader would type them.

    python3 Tests/Documents/run.py --temper .build/release/temper [PAGE …]

Each page is one shell in an empty folder, with `temper` on its PATH and a service of its own, whose address takes the place of
127.0.0.1:8080. A comment before a block says what a reader does not see: `<!-- run: COMMANDS -->` goes before it, `<!-- instead: WHY -->`
and `<!-- not run: WHY -->` leave it out. Links between pages are followed too. Ends with `N passed, M failed`.
"""

import argparse
import pathlib
import re
import time

from reader import ROOT, Reader


def blocks(text):
    """(line, commands, what goes before, why it is left out) of each block of shell commands."""
    before, why, inside, start, lines = [], None, None, 0, []
    for number, line in enumerate(text.split("\n"), 1):
        if inside is not None:
            if line.startswith("```"):
                if inside == "sh":
                    yield start, "\n".join(lines), before, why
                before, why, inside, lines = [], None, None, []
            else:
                lines.append(line)
        elif line.startswith("```"):
            inside, start = line[3:].strip(), number
        elif match := re.fullmatch(r"<!-- run: (.*) -->", line):
            before.append(match[1])
        elif match := re.fullmatch(r"<!-- (?:not run|instead): (.*) -->", line):
            why = match[1]


def run(page, temper):
    """(passed, failed) of a page's blocks."""
    found = list(blocks(page.read_text()))
    name = page.relative_to(ROOT)
    for line, _, _, why in found:
        if why:
            print(f"{name}:{line}: not run: {why}")
    wanted = [block for block in found if not block[3]]
    if not wanted:
        return 0, 0
    script = ["gated() { local code=0; command temper \"$@\" || code=$?; case $code in 0|3|6) ;; *) return $code ;; esac; }"]
    for line, commands, before, _ in wanted:
        script += [f"echo '@@ {line}' >&3", *before, re.sub(r"(?m)^temper (run|submit|gate) ", r"gated \1 ", commands)]
    with Reader(temper) as reader, open(reader.folder / "marks", "w") as marks:
        begun = time.monotonic()
        text = "exec 3>&%d; %s" % (marks.fileno(), "\n".join(script).replace("127.0.0.1:8080", reader.address))
        done = reader.types(["bash", "-euo", "pipefail", "-c", text], pass_fds=[marks.fileno()])
        reached = (reader.folder / "marks").read_text().split("@@ ")[1:]
        failed = done.returncode != 0
        if failed:
            print(f"{name}:{reached[-1].strip() if reached else '?'}: ends with {done.returncode}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}")
        passed = len(reached) - failed
        print(f"{name}: {passed} of {len(wanted)} blocks, {time.monotonic() - begun:.1f} s", flush=True)
        return passed, len(wanted) - passed


def anchors(text):
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"(?m)^#+ (.*)$", text)}


def broken(page):
    """The links of a page that lead nowhere."""
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"(?s)```.*?```", "", page.read_text())):
        if target.startswith(("http", "mailto")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"{target}: there is no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
            yield f"{target}: there is no such section"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--temper", type=pathlib.Path, default=ROOT / ".build/release/temper")
    parser.add_argument("pages", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()
    pages = [page.resolve() for page in arguments.pages] or [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    totals = [0, 0]
    for page in pages:
        faults = list(broken(page))
        for fault in faults:
            print(f"{page.relative_to(ROOT)}: {fault}")
        passed, failed = run(page, arguments.temper.resolve())
        totals = [totals[0] + passed + (not faults), totals[1] + failed + bool(faults)]
    print(f"{totals[0]} passed, {totals[1]} failed")
    raise SystemExit(totals[1] > 0)


if __name__ == "__main__":
    main()
