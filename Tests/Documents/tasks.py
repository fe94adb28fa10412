"""Ten tasks of somebody who is new to this, each as it was typed: Tests/Documents/tasks/*.sh.

    python3 Tests/Documents/tasks.py --temper .build/release/temper [--transcripts FOLDER] [TASK …]

Each is one shell in an empty folder, with `temper` on its PATH and a service of its own. What was typed and what was seen is printed, and
kept in FOLDER. A task passes when every command ends as it should. Ends with `N passed, M failed`.
"""

import argparse
import pathlib
import time

from reader import Reader

TASKS = pathlib.Path(__file__).parent / "tasks"
ORDER = ["gate-in-ci", "own-pictures", "two-runs", "failed-run", "mailed-report", "network-from-pytorch", "sweep", "nightly", "backup", "results-elsewhere"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temper", type=pathlib.Path, required=True)
    parser.add_argument("--transcripts", type=pathlib.Path)
    parser.add_argument("tasks", nargs="*", metavar="TASK")
    arguments = parser.parse_args()
    if arguments.transcripts:
        arguments.transcripts.mkdir(parents=True, exist_ok=True)
    results = [run(name, arguments) for name in arguments.tasks or ORDER]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    raise SystemExit(not all(results))


def run(name, arguments):
    with Reader(arguments.temper) as reader:
        begun = time.monotonic()
        # -v repeats what is typed before what it says.
        done = reader.types(["bash", "-euvo", "pipefail", str(TASKS / f"{name}.sh")], seconds=600, together=True)
        seconds = time.monotonic() - begun
    seen = done.stdout
    print(f"===== {name}\n{seen}", end="")
    if arguments.transcripts:
        (arguments.transcripts / f"{name}.txt").write_text(seen)
    passed = done.returncode == 0
    print(f"===== {name}: {'as it should' if passed else f'ends with {done.returncode}'}, {seconds:.0f} s", flush=True)
    return passed


if __name__ == "__main__":
    main()
