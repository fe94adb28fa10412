#!/usr/bin/env python3
"""The loss by epoch of the same adversarial training in PyTorch and in Temper, from the same initial weights, and the images a second.

    make build && venv/bin/python Tests/Peers/learning_curve.py FOLDER [--method pgd] [--images 512] [--epochs 4] [--orders 2] [--ema 0.995]

FOLDER holds train.bin.gz in CIFAR's binary format. PreAct-ResNet-18, L-infinity 8/255, batch norm in evaluation mode in the attack, SGD (rate
0.05, momentum 0.9, weight decay 0.0005). `pgd`: ten steps of 2/255 from a random start; `trades`: the same on the divergence of predictions,
beta 6; `nfgsm`: a step of epsilon from noise of twice that, which is not projected. The two draw their orders and starts differently, and so
do two runs of PyTorch: their distance is the noise to hold Temper's curve against. Images a second are those of the attack and of what is
learnt from it, without the measurements after an epoch.
"""
import argparse
import csv
import gzip
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from robust_networks import PreActResNet18

EPSILON, STEP, STEPS, BETA = 8 / 255, 2 / 255, 10, 6
RATE, MOMENTUM, DECAY = 0.05, 0.9, 5e-4


def images(folder, count):
    """Pixels [count, height, width, channels] as bytes, and labels."""
    rows = np.frombuffer(gzip.open(pathlib.Path(folder) / "train.bin.gz").read(), dtype=np.uint8).reshape(-1, 3073)[:count]
    return np.ascontiguousarray(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), rows[:, 0].astype(np.int64)


def stepped(model, x, start, loss, steps, step, radius):
    """Steps along the gradient's sign from a start, each within `radius` of x where that is given, and within [0, 1]."""
    adversarial = start
    for _ in range(steps):
        adversarial = adversarial.detach().requires_grad_(True)
        gradient, = torch.autograd.grad(loss(model(adversarial)), adversarial)
        adversarial = adversarial.detach() + step * gradient.sign()
        if radius is not None:
            adversarial = torch.minimum(torch.maximum(adversarial, x - radius), x + radius)
        adversarial = adversarial.clamp(0, 1)
    return adversarial.detach()


def uniform(x, radius, random):
    return (2 * torch.rand(x.shape, generator=random) - 1) * radius


def pgd(model, x, y, random):
    start = (x + uniform(x, EPSILON, random)).clamp(0, 1)
    model.eval()
    adversarial = stepped(model, x, start, lambda logits: F.cross_entropy(logits, y, reduction="sum"), STEPS, STEP, EPSILON)
    model.train()
    return F.cross_entropy(model(adversarial), y)


def nfgsm(model, x, y, random):
    model.eval()
    start = x + uniform(x, 2 * EPSILON, random)
    adversarial = stepped(model, x, start, lambda logits: F.cross_entropy(logits, y, reduction="sum"), 1, EPSILON, None)
    model.train()
    return F.cross_entropy(model(adversarial), y)


def divergence(adversarial, clean):
    return F.kl_div(F.log_softmax(adversarial, 1), F.softmax(clean, 1), reduction="sum")


def trades(model, x, y, random):
    model.eval()
    with torch.no_grad():
        clean = model(x)
    start = x + 0.001 * torch.randn(x.shape, generator=random)
    adversarial = stepped(model, x, start, lambda logits: divergence(logits, clean), STEPS, STEP, EPSILON)
    model.train()
    logits = model(x)
    return F.cross_entropy(logits, y) + BETA / len(y) * divergence(model(adversarial), logits)


METHODS = {"pgd": pgd, "nfgsm": nfgsm, "trades": trades}
ATTACK = {"name": "pgd", "steps": STEPS, "step_size": STEP}
# What Temper's spec says of the same.
SECTIONS = {"pgd": {"attack": ATTACK | {"random_start": True}}, "nfgsm": {}, "trades": {"attack": ATTACK, "settings": {"beta": BETA}}}


def pytorch(run, initial, pixels, labels, order):
    """The mean loss of each epoch, every example's before the update it takes part in, and the images a second."""
    model = PreActResNet18(10, width=run.width)
    model.load_state_dict(initial)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(run.ema)) if run.ema else None
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    random = torch.Generator().manual_seed(order)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    y = torch.from_numpy(labels)
    losses, began = [], time.monotonic()
    for _ in range(run.epochs):
        total = 0.0
        for rows in torch.randperm(len(y), generator=random).split(run.batch):
            loss = METHODS[run.method](model, x[rows], y[rows], random)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if averaged:
                averaged.update_parameters(model)
            total += loss.item() * len(rows)
        losses.append(total / len(y))
    return losses, run.epochs * len(y) / (time.monotonic() - began)


def temper(run, initial, pixels, labels, seed):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.savez(folder / "data.npz", x_train=pixels, y_train=labels, x_test=pixels[:20], y_test=labels[:20])
        save_file({name: value for name, value in initial.items() if not name.endswith("num_batches_tracked")}, folder / "initial.safetensors")
        spec = {
            "dataset": {"path": "data.npz", "format": "npz", "validation_fraction": 0},
            "model": {"architecture": "preact_resnet18", "width": run.width, "init": "initial.safetensors"},
            "threat": {"norm": "linf", "epsilon": EPSILON},
            "training": {
                "method": run.method, "base_epochs": 0, "epochs": run.epochs, "batch_size": run.batch,
                "optimizer": {"name": "sgd", "learning_rate": RATE, "momentum": MOMENTUM, "weight_decay": DECAY},
                "schedule": {"name": "constant"}, "average": {"ema": run.ema}, "select": "last"} | SECTIONS[run.method],
            "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 20, "curve": []}, "seed": seed}
        (folder / "spec.json").write_text(json.dumps(spec))
        command = [run.temper, "run", folder / "spec.json", "--out", folder / "out", "--overwrite"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 6):
            raise SystemExit(done.stderr)
        with open(folder / "out" / "metrics.csv") as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file) if row["epoch"] != "0"]
        seconds = json.loads((folder / "out" / "report.json").read_text())["seconds"]
        learning = sum(seconds.get(phase, 0) for phase in ("attack", "combine", "retrain"))
        return losses, run.epochs * len(labels) / learning


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--temper", default=pathlib.Path(__file__).resolve().parents[2] / ".build" / "release" / "temper")
    parser.add_argument("--method", choices=METHODS, default="pgd")
    parser.add_argument("--ema", type=float, help="average the weights by this decay")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--orders", type=int, default=2, help="runs of each side")
    options = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(0)
    initial = PreActResNet18(10, width=options.width).state_dict()
    initial = {name: value.clone() for name, value in initial.items()}
    pixels, labels = images(options.folder, options.images)
    for side, train in (("temper", temper), ("pytorch", pytorch)):
        for order in range(options.orders):
            losses, rate = train(options, initial, pixels, labels, order)
            found = {"side": side, "order": order, "loss": [round(loss, 4) for loss in losses], "images_per_second": round(rate, 1)}
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
