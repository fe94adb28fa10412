"""Runs the recipes of config/recipes and prints what each reaches, as a table in Markdown.

    python3 Tests/Benchmarks/recipes.py [--temper FILE] [--mnist FOLDER] [--out FOLDER] [NAME ...]

Without a NAME all recipes that run here: those called *-full take days and are listed with their published figure alone, those of MNIST need
the folder of its four IDX files. A recipe whose report lies in --out already is not run again. Exits with 1 when a recipe fails or a gate of
its does not pass.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from table import say

RECIPES = pathlib.Path(__file__).resolve().parent.parent.parent / "config" / "recipes"
# What `temper run` exits with where the job succeeded.
VERDICTS = {0: "pass", 3: "**fail**", 6: "inconclusive"}


def percent(proportion):
    interval = proportion["interval"]
    return f"{100 * proportion['value']:.1f} ({100 * interval['low']:.1f} to {100 * interval['high']:.1f})"


def certified(after):
    rows = (after.get("certificate") or {}).get("radii", [])
    return ", ".join(f"{percent(row['certified_accuracy'])} at {row['radius']:.4g}" for row in rows)


def run(temper, name, spec, folder):
    """The report of a recipe, the exit code and the minutes; None when it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    report, notes = folder / "report.json", folder / "run.json"
    if not (report.exists() and notes.exists()):
        path = folder / f"{name}.json"
        path.write_text(json.dumps(spec))
        began = time.monotonic()
        done = subprocess.run([temper, "run", path, "--out", folder, "--resume"], capture_output=True, text=True)
        if done.returncode not in VERDICTS:
            say(f"{name}: {done.stderr.strip()[-300:]}")
            return None
        notes.write_text(json.dumps({"code": done.returncode, "minutes": (time.monotonic() - began) / 60}))
    noted = json.loads(notes.read_text())
    return json.loads(report.read_text()), noted["code"], noted["minutes"]


def row(name, report, code, minutes):
    before, after, spec = report.get("before"), report["after"], report["spec"]
    attacks = "+".join(attack["name"] for attack in spec["evaluation"]["attacks"])
    earlier = f"{percent(before['clean_accuracy'])}, {percent(before['worst_case'])}" if before else ""
    return [name, f"{spec['threat']['norm']} {spec['threat']['epsilon']:.4g}", earlier, percent(after["clean_accuracy"]),
            f"{percent(after['worst_case'])} {attacks}", certified(after), f"{minutes:.1f}", VERDICTS[code]]


def here(spec, mnist):
    """The spec with its images where they are on this machine, or None where they are not."""
    path = spec["dataset"].get("path")
    if path == "mnist" and mnist is None:
        return None
    return spec | {"dataset": spec["dataset"] | {"path": str(mnist.resolve())}} if path == "mnist" else spec


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--mnist", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "temper-recipes")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    print("| recipe | threat | before: clean, under attack % | after: clean % | under attack % | certified % | minutes | gates |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    failed = []
    for path in sorted(RECIPES.glob("*.json")):
        name, spec = path.stem, json.loads(path.read_text())
        if options.names and name not in options.names:
            continue
        if name.endswith("-full"):
            print(f"| {name} | | | | {spec['labels']['published']} (published) | | not run here | |")
            continue
        spec = here(spec, options.mnist)
        if spec is None:
            say(f"{name}: skipped, there is no --mnist")
            continue
        found = run(options.temper, name, spec, options.out / name)
        if found:
            report, code, minutes = found
            print("| " + " | ".join(row(name, report, code, minutes)) + " |", flush=True)
        if not found or found[1] != 0:
            failed.append(name)
    if failed:
        sys.exit(f"failed, or without a pass: {', '.join(failed)}")


if __name__ == "__main__":
    main()
