"""Attacks a network with Temper's Auto-PGD and with that of the authors, the same weights and images.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors git+https://github.com/fra31/auto-attack
    venv/bin/python Tests/Peers/apgd_compare.py FILE --data mnist/ --images 500 --norm linf --epsilon 0.3
    venv/bin/python Tests/Peers/apgd_compare.py --train fgsm --data mnist/ …

FILE is a checkpoint of Temper. Instead of it --train standard, fgsm or pgd trains a small network first (conv 16 4×4 s2, conv 32 4×4 s2,
linear 100) and leaves its checkpoint in --out. Prints JSON: for each attack the robust accuracy of Temper and, by seed, of the authors' code, and the
seconds that both took on --threads threads. --batch is the authors' batch; each code uses fp32.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import torch
from autoattack.autopgd_base import APGDAttack, APGDAttack_targeted

from load_checkpoint import dataset
from temper_network import accuracy, load

ATTACKS = ("apgd_ce", "apgd_dlr", "apgd_t")
CONVOLUTION = {"type": "conv", "kernel": 4, "stride": 2, "padding": 1}
SMALL = [CONVOLUTION | {"filters": 16}, {"type": "relu"}, CONVOLUTION | {"filters": 32}, {"type": "relu"},
         {"type": "flatten"}, {"type": "linear", "units": 100}, {"type": "relu"}, {"type": "linear", "units": 10}]
TRAINING = {
    "standard": {"method": "standard", "epochs": 2},
    "fgsm": {"method": "fgsm", "epochs": 4, "attack": {"name": "fgsm", "random_start": True}},
    "pgd": {"method": "pgd", "epochs": 4, "attack": {"name": "pgd", "steps": 7}},
}


def temper(binary, spec, out, threads):
    """The report of a job; a verdict other than `pass` is no failure here."""
    path = pathlib.Path(out) / "spec.json"
    path.write_text(json.dumps(spec))
    done = subprocess.run([binary, "run", path, "--out", out, "--threads", str(threads), "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 3, 6):
        raise SystemExit(done.stderr)
    return json.loads((pathlib.Path(out) / "report.json").read_text())


def trained(binary, method, data, threat, out, threads):
    base = {"base_epochs": 0, "batch_size": 128, "select": "last", "optimizer": {"name": "adam", "learning_rate": 0.002},
            "schedule": {"name": "cosine"}}
    spec = {"dataset": {"path": str(data.resolve()), "format": "idx"}, "model": {"layers": SMALL}, "threat": threat,
            "training": base | TRAINING[method], "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 100, "curve": []}}
    temper(binary, spec, out, threads)
    return pathlib.Path(out) / "checkpoints" / "last.safetensors"


def ours(binary, checkpoint, metadata, images, labels, threat, out, threads):
    """By attack: robust accuracy and seconds."""
    arrays = {"x_test": images.permute(0, 2, 3, 1).numpy(), "y_test": labels.numpy()}
    arrays |= {"x_train": arrays["x_test"][:10], "y_train": np.arange(10)}
    data = pathlib.Path(out) / "images.npz"
    np.savez(data, **arrays)
    spec = {"kind": "evaluate", "dataset": {"path": str(data.resolve()), "format": "npz"}, "threat": threat,
            "model": json.loads(metadata["temper.architecture"]) | {"init": str(pathlib.Path(checkpoint).resolve())},
            "evaluation": {"attacks": [{"name": name} for name in ATTACKS], "samples": len(images), "curve": []}}
    side = temper(binary, spec, out, threads)["after"]
    return {row["attack"]["name"]: (row["robust_accuracy"]["value"], row["seconds"]) for row in side["attacks"]}


def theirs(model, images, labels, threat, name, seed, batch):
    """Robust accuracy and seconds of the authors' attack alone, on the images that are right."""
    settings = {"norm": {"linf": "Linf", "l2": "L2"}[threat["norm"]], "eps": threat["epsilon"], "seed": seed, "device": "cpu"}
    attack = APGDAttack_targeted(model, **settings) if name == "apgd_t" else APGDAttack(model, loss=name.split("_")[1], **settings)
    right, began = 0, time.perf_counter()
    for x, y in zip(images.split(batch), labels.split(batch)):
        with torch.no_grad():
            kept = model(x).argmax(1) == y
        if kept.any():
            found = attack.perturb(x[kept], y[kept])
            right += round(accuracy(model, found, y[kept]) * int(kept.sum()))
    return right / len(images), time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", nargs="?")
    parser.add_argument("--train", choices=TRAINING)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--norm", choices=["linf", "l2"], default="linf")
    parser.add_argument("--epsilon", type=float, default=0.3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--out", help="where to leave what Temper writes")
    arguments = parser.parse_args()
    if (arguments.checkpoint is None) == (arguments.train is None):
        parser.error("give either a checkpoint or --train")
    torch.set_num_threads(arguments.threads)
    out = arguments.out or tempfile.mkdtemp(prefix="apgd-")
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    threat = {"norm": arguments.norm, "epsilon": arguments.epsilon}
    checkpoint = arguments.checkpoint or trained(arguments.temper, arguments.train, arguments.data, threat, out, arguments.threads)
    images, labels = (part[:arguments.images] for part in dataset(arguments.data, "test"))
    model, metadata = load(checkpoint)
    model.eval()
    result = {"images": len(images), "clean_accuracy": accuracy(model, images, labels)} | threat
    found = ours(arguments.temper, checkpoint, metadata, images, labels, threat, out, arguments.threads)
    for name in ATTACKS:
        runs = [theirs(model, images, labels, threat, name, seed, arguments.batch) for seed in range(arguments.seeds)]
        result[name] = {"temper": found[name][0], "authors": [run[0] for run in runs], "temper_seconds": found[name][1],
                        "authors_seconds": [round(run[1], 2) for run in runs]}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
