"""Reads what `temper export --tensorboard` wrote with TensorBoard's own reader, checksums and all.

    python3 -m venv venv && venv/bin/pip install tensorboard
    venv/bin/python Tests/Peers/tensorboard_events.py FOLDER

FOLDER is --tensorboard's. Prints each run with its tags, how many values each has, and the last of them.
"""

import argparse
import json
import pathlib

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def run(folder):
    for file in folder.glob("events.out.tfevents.*"):
        if not list(RawEventFileLoader(str(file)).Load()):
            raise SystemExit(f"{file}: TensorBoard finds no record")
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    tags = {}
    for tag in events.Tags()["scalars"]:
        values = events.Scalars(tag)
        if any(later.wall_time < earlier.wall_time for earlier, later in zip(values, values[1:])):
            raise SystemExit(f"{folder}: the times of {tag} go back")
        tags[tag] = {"values": len(values), "step": values[-1].step, "last": values[-1].value}
    if not tags:
        raise SystemExit(f"{folder} has no values")
    return tags


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    runs = {path.parent.name: run(path.parent) for path in sorted(folder.glob("*/events.out.tfevents.*"))}
    if not runs:
        raise SystemExit(f"{folder} has no event files")
    print(json.dumps(runs, indent=2))


if __name__ == "__main__":
    main()
