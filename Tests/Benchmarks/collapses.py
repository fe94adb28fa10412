#!/usr/bin/env python3
"""Which collapses of robust accuracy `temper run` finds while it trains: runs that provoke one, and healthy ones.

usage: collapses.py TEMPER [--mnist FOLDER] [--only NAME...] [--on-collapse continue|stop]

Prints a row for each run: the robust accuracy on the validation part (PGD-10) at its best and at its lowest after that, each epoch in which
a collapse was found ("in the end": the network had never resisted PGD, only its own attack), and clean and robust accuracy (PGD-20) of the result on 300 test images. Exits with 1 when a provoked collapse was not
found or a healthy run was taken for one. MNIST is the folder of its four IDX files; without it, runs on the digits alone.
"""
import argparse
import csv
import gzip
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

CONVOLUTION = {"type": "conv", "kernel": 4, "stride": 2, "padding": 1}
# The small network of Fast-AT (Wong et al. 2020).
SMALL = {"layers": [CONVOLUTION | {"filters": 16}, {"type": "relu"}, CONVOLUTION | {"filters": 32}, {"type": "relu"},
                    {"type": "flatten"}, {"type": "linear", "units": 100}, {"type": "relu"}, {"type": "linear", "units": 10}]}
LENET = {"architecture": "lenet"}


def method(name, epochs=15, base=1, rate=0.001, steady=False, batch=64, **attack):
    """A training section: Adam at `rate`, which falls by the cosine unless it is `steady`."""
    section = {"method": name, "base_epochs": base, "epochs": epochs, "batch_size": batch,
               "optimizer": {"name": "adam", "learning_rate": rate}, "schedule": {"name": "constant" if steady else "cosine"}}
    return section | ({"attack": {"name": "fgsm" if name == "fgsm" else "pgd"} | attack} if attack else {})


RANDOM = {"random_start": True}
# name: data set and how many images of it, network, epsilon, training, of which a list begins with
# what is trained before; whether a collapse is provoked.
RUNS = {
    "mnist fgsm 0.3, short steps": ("mnist 6000", LENET, 0.3, method("fgsm", 12, 3, 0.0002, steady=True), True),
    "mnist fgsm 0.3": ("mnist 3000", LENET, 0.3, method("fgsm", 15, 2, 0.0005, steady=True), True),
    "mnist fgsm 0.25": ("mnist 6000", LENET, 0.25, method("fgsm", 12), True),
    "mnist fgsm 0.3, small": ("mnist 4000", SMALL, 0.3, method("fgsm", 12), True),
    "mnist fgsm 0.3 after pgd": ("mnist 3000", LENET, 0.3, [method("pgd", 10, steps=7), method("fgsm", 15, 0, steady=True)], True),
    "mnist fgsm 0.4": ("mnist 1500", LENET, 0.4, method("fgsm", 20, 0, steady=True, batch=32), True),
    "digits fgsm 0.3": ("digits", LENET, 0.3, method("fgsm", 40, 2, 0.002, batch=32), True),
    "digits bare pgd 0.1": ("digits", LENET, 0.1, {"method": "pgd", "epochs": 60}, False),
    "digits bare pgd 0.15": ("digits", LENET, 0.15, {"method": "pgd", "epochs": 60}, False),
    "digits bare trades 0.1": ("digits", LENET, 0.1, {"method": "trades", "epochs": 30}, False),
    "digits bare fgsm 0.1": ("digits", LENET, 0.1, {"method": "fgsm", "epochs": 30}, False),
    "digits fgsm 0.15, mlp": ("digits", {"architecture": "mlp"}, 0.15, method("fgsm", 40, 2, 0.002, batch=32), False),
    "digits fgsm 0.2, random": ("digits", LENET, 0.2, method("fgsm", 30, 2, 0.002, batch=32, **RANDOM), False),
    "digits standard 0.3": ("digits", LENET, 0.3, {"method": "standard", "epochs": 30}, False),
    "mnist fgsm 0.1": ("mnist 3000", LENET, 0.1, method("fgsm", 10), False),
    "mnist fgsm 0.2": ("mnist 3000", LENET, 0.2, method("fgsm", 10), False),
    "mnist pgd 0.3": ("mnist 3000", LENET, 0.3, method("pgd", 10, steps=7), False),
    "mnist fgsm 0.1, small, random": ("mnist 4000", SMALL, 0.1, method("fgsm", 12, **RANDOM), False),
    "two classes pgd 0.2": ("two 3000", LENET, 0.2, method("pgd", 10, steps=7), False),
}


def read(path):
    """The header and the items of a gzipped IDX file of bytes."""
    data = gzip.decompress(path.read_bytes())
    sizes = struct.unpack(f">{data[3]}I", data[4:4 + 4 * data[3]])
    start, stride = 4 + 4 * data[3], len(data[4 + 4 * data[3]:]) // sizes[0]
    return data[:4], sizes, [data[start + i * stride:start + (i + 1) * stride] for i in range(sizes[0])]


def two_classes(mnist, folder):
    """The threes and fives of MNIST, as classes 0 and 1, in a folder of their own."""
    target = folder / "two"
    target.mkdir()
    for part in ("train", "t10k"):
        names = [f"{part}-labels-idx1-ubyte.gz", f"{part}-images-idx3-ubyte.gz"]
        labels = read(mnist / names[0])[2]
        for name in names:
            magic, sizes, items = read(mnist / name)
            kept = [item for item, label in zip(items, labels) if label in (b"\3", b"\5")]
            if "labels" in name:
                kept = [b"\0" if label == b"\3" else b"\1" for label in kept]
            header = magic + struct.pack(f">{len(sizes)}I", len(kept), *sizes[1:])
            (target / name).write_bytes(gzip.compress(header + b"".join(kept), 1))
    return target


def spec(data, network, epsilon, training, mnist, folder):
    name, _, limit = data.partition(" ")
    dataset = {"id": "digits"}
    if name != "digits":
        path = two_classes(mnist, folder) if name == "two" else mnist
        dataset = {"path": str(path), "format": "idx", "limit": int(limit)}
    return {"dataset": dataset, "model": network, "threat": {"norm": "linf", "epsilon": epsilon}, "training": training,
            "evaluation": {"attacks": [{"name": "pgd", "steps": 20}], "samples": 300, "curve": []}}


def run(temper, document, folder):
    """The rows of metrics.csv and the report; of several training sections each goes on from the best weights of the one before."""
    sections = document["training"] if isinstance(document["training"], list) else [document["training"]]
    for number, training in enumerate(sections):
        path, out = folder / f"spec{number}.json", folder / f"out{number}"
        init = {"init": str(folder / f"out{number - 1}" / "checkpoints" / "best_robust.safetensors")} if number else {}
        path.write_text(json.dumps(document | {"training": training, "model": document["model"] | init}))
        done = subprocess.run([temper, "run", path, "--out", out, "--overwrite", "--json"], capture_output=True, text=True)
        if done.returncode not in (0, 3, 6):
            raise SystemExit(done.stderr)
    with (out / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, json.loads((out / "report.json").read_text())


def percent(share):
    return f"{100 * share:5.1f}"


def row(name, rows, report, provoked):
    """A row of the table, and whether the run was judged rightly."""
    robust = [float(row["validation_robust_accuracy"]) for row in rows if row["phase"] == "retrain"]
    best = max(range(len(robust)), key=robust.__getitem__)
    found = [row["epoch"] for row in rows if row.get("collapse")]
    warned = any(warning["code"] == "catastrophic_overfitting" for warning in report["warnings"])
    after = report["after"]
    holds = warned == provoked
    cells = [f"{name:29}", "provoked" if provoked else "healthy ", percent(robust[best]), percent(min(robust[best:])),
             percent(after["clean_accuracy"]["value"]), percent(after["attacks"][0]["robust_accuracy"]["value"]),
             "found in " + " ".join(found) if found else "found in the end" if warned else "none found", "" if holds else "WRONG"]
    return "  ".join(cells).rstrip(), holds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("temper", type=pathlib.Path)
    parser.add_argument("--mnist", type=pathlib.Path)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--on-collapse", choices=["continue", "stop"], default="continue")
    options = parser.parse_args()
    print("run                            kind         best  lowest  clean  robust  collapse", flush=True)
    right = []
    for name, (data, network, epsilon, training, provoked) in RUNS.items():
        if (options.only and name not in options.only) or (data != "digits" and options.mnist is None):
            continue
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            sections = [section | {"on_collapse": options.on_collapse} for section in (training if isinstance(training, list) else [training])]
            document = spec(data, network, epsilon, sections, options.mnist and options.mnist.resolve(), place)
            text, holds = row(name, *run(options.temper.resolve(), document, place), provoked)
        print(text, flush=True)
        right.append(holds)
    print(f"{sum(right)} of {len(right)} are right", flush=True)
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
