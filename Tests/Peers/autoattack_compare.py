"""AutoAttack and each of its parts in Temper and in the authors' code: the same weights, images and numbers, as one table.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors scipy foolbox pyautoattack
    venv/bin/python Tests/Peers/autoattack_compare.py --data mnist/ --out folder
    venv/bin/python Tests/Peers/autoattack_compare.py --data mnist/ --out folder --speed --network pgd

Trains the networks of `autoattack_networks.py` where --out has none, then runs every cell of the table: a network, a norm and an attack. A
cell that is finished is a file under --out/cells, so that an interrupted run goes on where it stopped; --out/table.md is written anew after
each. The authors' code runs with seed 0, and with further seeds (--seeds) where Temper is above it by more than the allowance. `cw` and
`deepfool` are compared with foolbox's, by the median distance over --distance-images images.

--authors is a clone of github.com/fra31/auto-attack; without it pyautoattack from PyPI is taken, the same code as a package. Parts run alone
on all images that are classified right, with the settings that the authors' version `standard` gives them in that norm. --speed times both
sides instead: see `autoattack_speed.py`.
"""

import argparse
import contextlib
import importlib
import inspect
import json
import math
import pathlib
import re
import statistics
import sys
import tempfile
import time

import torch

import autoattack_networks
import temper_job
from load_checkpoint import dataset
from temper_network import load

PARTS = {"apgd_ce": "apgd-ce", "apgd_t": "apgd-t", "fab_t": "fab-t", "square": "square"}
ATTACKS = [*PARTS, "autoattack"]
DISTANCES = ["deepfool", "cw"]
NORMS = {"linf": "Linf", "l2": "L2", "l1": "L1"}
# By how much Temper's robust accuracy may exceed the authors', in points; in a median distance, in per cent.
ALLOWANCE = {"linf": 0.3, "l2": 0.5, "l1": 0.5}
DISTANCE_ALLOWANCE = 2.0
# What the authors' version `standard` changes of a part's settings in L1.
L1_SETTINGS = {"apgd_ce": {"restarts": 5}, "apgd_t": {"targets": 5}}


def settings(attack, norm):
    """The attack as Temper's spec has it, with the settings of the authors' version `standard`."""
    return {"name": attack} | (L1_SETTINGS.get(attack, {}) if norm == "l1" else {})


def autoattack(folder):
    """The authors' class AutoAttack, of a clone in `folder` or of the package pyautoattack."""
    if folder is None:
        return importlib.import_module("pyautoattack").AutoAttack
    sys.path.insert(0, str(folder.resolve()))
    return importlib.import_module("autoattack").AutoAttack


class Log(list):
    """What the authors' code says of its progress."""

    def log(self, line):
        self.append(line)

    debug = info = warning = log


def run_authors(make, model, images, labels, norm, epsilon, attack, seed, batch):
    """The authors' attack: what it leaves right, of which examples, what each part of the whole leaves, and the seconds."""
    with contextlib.redirect_stdout(sys.stderr):
        adversary = make(model, norm=NORMS[norm], eps=epsilon, seed=seed, version="standard", device="cpu")
    if attack != "autoattack":
        adversary.attacks_to_run = [PARTS[attack]]
    adversary.logger = log = Log()
    run = adversary.run_standard_evaluation
    size = {name: batch for name in ("bs", "batch_size") if name in inspect.signature(run).parameters}
    began = time.perf_counter()
    found = run(images, labels, **size)
    seconds = time.perf_counter() - began
    # pyautoattack gives the labels too from version 0.2 on.
    found = found[0] if isinstance(found, tuple) else found
    with torch.no_grad():
        right = torch.cat([model(part) for part in found.split(500)]).argmax(1) == labels
    # Its log alone says what each part leaves.
    said = re.findall(r"robust accuracy after (\S+): ([\d.]+)% \(total time ([\d.]+) s\)", "\n".join(log))
    names = {theirs: ours for ours, theirs in PARTS.items()}
    parts = {names[name.lower()]: {"robust_accuracy": float(value) / 100, "total_seconds": float(total)} for name, value, total in said}
    return {"robust_accuracy": right.sum().item() / len(right), "right": right.nonzero().flatten().tolist(), "parts": parts, "seconds": seconds}


def run_temper(binary, checkpoint, images, labels, threat, attacks, out, threads):
    """What Temper's report says of each attack, and the wall time of the whole job."""
    began = time.perf_counter()
    rows = temper_job.attacked(binary, checkpoint, images, labels, threat, attacks, out, threads)
    return rows, time.perf_counter() - began


class Table:
    """The finished cells of the folder `out`."""

    def __init__(self, out):
        self.folder = out / "cells"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.page = out / "table.md"

    def cell(self, *key):
        path = self.folder / ("-".join(str(part) for part in key) + ".json")
        return json.loads(path.read_text()) if path.exists() else None

    def keep(self, value, *key):
        path = self.folder / ("-".join(str(part) for part in key) + ".json")
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(value))
        partial.rename(path)
        self.page.write_text(self.markdown())

    def authors(self, *key):
        """The authors' cells of all seeds, seed 0 first."""
        cells = []
        while cell := self.cell(*key, "authors", len(cells)):
            cells.append(cell)
        return cells

    def excess(self, ours, theirs, norm):
        """By how many points Temper is above the mean of the authors' seeds, and by how many it may be."""
        values = [100 * cell["robust_accuracy"] for cell in theirs]
        spread = max(values) - min(values) if len(values) >= 3 else 0
        return 100 * ours["robust_accuracy"] - sum(values) / len(values), max(ALLOWANCE[norm], spread)

    def settled(self, ours, theirs, norm):
        difference, allowed = self.excess(ours, theirs, norm)
        return difference <= allowed + 1e-6

    def markdown(self):
        lines = ["| network | clean | norm | ε | images | attack | Temper | the authors' code, by seed | difference | |",
                 "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
        for path in sorted(self.folder.glob("*-temper.json"), key=position):
            ours = json.loads(path.read_text())
            name, norm, attack = ours["network"], ours["norm"], ours["attack"]
            start = f"| {name} | {100 * ours['clean_accuracy']:.1f} | {norm} | {ours['epsilon']:g} | {ours['images']} | {attack} "
            if attack in DISTANCES:
                theirs = self.cell(name, norm, attack, "foolbox")
                if theirs:
                    # The median of all images is infinite where fewer than half were found; then the means of those that were are compared.
                    kind = "median" if math.isfinite(float(theirs["median_distance"])) else "mean"
                    change = 100 * (float(ours[f"{kind}_distance"]) / theirs[f"{kind}_distance"] - 1)
                    lines.append(start + f"| {kind} {float(ours[f'{kind}_distance']):.4f} | {theirs[f'{kind}_distance']:.4f} (foolbox, "
                                 + f"{theirs['found']} found) | {change:+.2f} % | " + ("above |" if change > DISTANCE_ALLOWANCE else "|"))
                continue
            theirs = self.authors(name, norm, attack)
            if theirs:
                difference, _ = self.excess(ours, theirs, norm)
                lines.append(start + f"| {100 * ours['robust_accuracy']:.1f} | "
                             + " ".join(f"{100 * cell['robust_accuracy']:.1f}" for cell in theirs)
                             + f" | {difference:+.1f} | " + ("|" if self.settled(ours, theirs, norm) else "above |"))
        return "\n".join(lines) + "\n"


def position(path):
    """Where a cell stands in the table."""
    network, norm, attack, _ = path.stem.split("-")
    return [*autoattack_networks.NAMES].index(network), [*NORMS].index(norm), (ATTACKS + DISTANCES).index(attack)


def fill(table, network, options, make):
    """Runs the cells of one network that are missing."""
    checkpoint = autoattack_networks.checkpoint(network, options.temper, options.data, options.out, options.threads)
    model, _ = load(checkpoint)
    model.requires_grad_(False)
    images, labels = (part[:options.images] for part in dataset(options.data, "test"))
    with torch.no_grad():
        clean = (model(images).argmax(1) == labels).float().mean().item()
    for norm in options.norms:
        epsilon = autoattack_networks.epsilon(network, norm)
        threat = {"norm": norm, "epsilon": epsilon}
        about = threat | {"network": network, "images": len(images), "clean_accuracy": clean}
        missing = [attack for attack in options.attacks if not table.cell(network, norm, attack, "temper")]
        if missing and options.side != "authors":
            attacks = [settings(attack, norm) for attack in missing]
            with tempfile.TemporaryDirectory() as out:
                rows, seconds = run_temper(options.temper, checkpoint, images, labels, threat, attacks, out, options.threads)
            for attack, row in zip(missing, rows):
                kept = {"attack": attack, "robust_accuracy": row["robust_accuracy"]["value"], "seconds": row["seconds"],
                        "parts": row.get("parts", []), "job_seconds": seconds}
                table.keep(about | kept, network, norm, attack, "temper")
        for attack in options.attacks if options.side != "temper" else []:
            for seed in range(options.seeds):
                ours, theirs = table.cell(network, norm, attack, "temper"), table.authors(network, norm, attack)
                if theirs and (seed < len(theirs) or not ours or table.settled(ours, theirs, norm)):
                    continue
                found = run_authors(make, model, images, labels, norm, epsilon, attack, seed, options.batch)
                table.keep(about | {"attack": attack, "seed": seed} | found, network, norm, attack, "authors", seed)
                print(network, norm, attack, seed, found["robust_accuracy"], f"{found['seconds']:.0f} s", file=sys.stderr, flush=True)


def fill_distances(table, network, options):
    """Runs the cells of `cw` and `deepfool` that are missing."""
    import attacks_compare

    checkpoint = autoattack_networks.checkpoint(network, options.temper, options.data, options.out, options.threads)
    model, _ = load(checkpoint)
    model.requires_grad_(False)
    images, labels = (part[:options.distance_images] for part in dataset(options.data, "test"))
    with torch.no_grad():
        right = model(images).argmax(1) == labels
    for norm, attack in [("l2", "deepfool"), ("linf", "deepfool"), ("l2", "cw")]:
        threat = {"norm": norm, "epsilon": autoattack_networks.epsilon(network, norm)}
        about = threat | {"network": network, "attack": attack, "images": len(images), "clean_accuracy": right.float().mean().item()}
        if not table.cell(network, norm, attack, "temper") and options.side != "authors":
            with tempfile.TemporaryDirectory() as out:
                # Only the images that are right: to Temper's median the others count, at the distance 0.
                rows, _ = run_temper(
                    options.temper, checkpoint, images[right], labels[right], threat, [settings(attack, norm)], out, options.threads)
            kept = {name: rows[0][name] for name in ("median_distance", "mean_distance", "seconds")}
            table.keep(about | kept, network, norm, attack, "temper")
        if not table.cell(network, norm, attack, "foolbox") and options.side != "temper":
            began = time.perf_counter()
            given = argparse.Namespace(attack=attack, norm=norm, steps=None, binary_search_steps=None)
            found = attacks_compare.distances(model, images[right], labels[right], given)
            distances = sorted(found.tolist()) + [math.inf] * (int(right.sum()) - len(found))
            kept = {"median_distance": statistics.median(distances), "mean_distance": found.mean().item(), "found": len(found),
                    "seconds": time.perf_counter() - began}
            table.keep(about | kept, network, norm, attack, "foolbox")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path, help="where networks, cells and the table are kept")
    parser.add_argument("--network", nargs="+", choices=autoattack_networks.NAMES, default=[*autoattack_networks.NAMES])
    parser.add_argument("--norms", nargs="+", choices=NORMS, default=[*NORMS])
    parser.add_argument("--attacks", nargs="*", choices=ATTACKS, default=ATTACKS)
    parser.add_argument("--distances", nargs="*", choices=autoattack_networks.NAMES, default=["pgd"],
                        help="networks on which cw and deepfool are compared")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--distance-images", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3, help="of the authors' code, at most")
    parser.add_argument("--batch", type=int, default=250, help="of the authors' code; 250 is its default")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", choices=["both", "temper", "authors"], default="both", help="run this side alone")
    parser.add_argument("--authors", type=pathlib.Path, help="a clone of github.com/fra31/auto-attack")
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--speed", action="store_true", help="time both sides on the first --network, in the first of --norms")
    parser.add_argument("--rounds", type=int, default=1, help="of --speed: how often both sides run, in turn")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    make = autoattack(options.authors)
    if options.speed:
        import autoattack_speed

        return autoattack_speed.measure(options, make)
    table = Table(options.out)
    for network in options.network:
        fill(table, network, options, make)
    for network in options.distances:
        fill_distances(table, network, options)
    print(table.markdown(), end="")


if __name__ == "__main__":
    main()
