#!/usr/bin/env python3
"""The loss by epoch of the same adversarial training in PyTorch and in Temper, from the same initial weights.

    make build && venv/bin/python Tests/Peers/learning_curve.py FOLDER [--images 512] [--epochs 4] [--orders 2]

FOLDER holds train.bin.gz in CIFAR's binary format. PreAct-ResNet-18, L-infinity 8/255, PGD-10 with steps of 2/255 from a random start,
batch norm in evaluation mode in the attack, SGD (rate 0.05, momentum 0.9, weight decay 0.0005). The two draw their orders and starts
differently, and so do two runs of PyTorch: their distance is the noise to hold Temper's curve against.
"""
import argparse
import csv
import gzip
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from robust_networks import PreActResNet18

EPSILON, STEP, STEPS = 8 / 255, 2 / 255, 10
RATE, MOMENTUM, DECAY = 0.05, 0.9, 5e-4
TEMPER = pathlib.Path(__file__).resolve().parents[2] / ".build" / "release" / "temper"


def images(folder, count):
    """Pixels [count, height, width, channels] as bytes, and labels."""
    rows = np.frombuffer(gzip.open(pathlib.Path(folder) / "train.bin.gz").read(), dtype=np.uint8).reshape(-1, 3073)[:count]
    return np.ascontiguousarray(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), rows[:, 0].astype(np.int64)


def attacked(model, x, y, random):
    model.eval()
    adversarial = (x + (2 * torch.rand(x.shape, generator=random) - 1) * EPSILON).clamp(0, 1)
    for _ in range(STEPS):
        adversarial.requires_grad_(True)
        gradient, = torch.autograd.grad(F.cross_entropy(model(adversarial), y, reduction="sum"), adversarial)
        adversarial = adversarial.detach() + STEP * gradient.sign()
        adversarial = torch.minimum(torch.maximum(adversarial, x - EPSILON), x + EPSILON).clamp(0, 1)
    model.train()
    return adversarial


def pytorch(initial, width, pixels, labels, epochs, batch, order):
    """The mean loss of each epoch, every example's before the update it takes part in."""
    model = PreActResNet18(10, width=width)
    model.load_state_dict(initial)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    random = torch.Generator().manual_seed(order)
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    y = torch.from_numpy(labels)
    losses = []
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(y), generator=random).split(batch):
            adversarial = attacked(model, x[rows], y[rows], random)
            loss = F.cross_entropy(model(adversarial), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(y))
    return losses


def temper(initial, width, pixels, labels, epochs, batch, seed):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.savez(folder / "data.npz", x_train=pixels, y_train=labels, x_test=pixels[:20], y_test=labels[:20])
        save_file({name: value for name, value in initial.items() if not name.endswith("num_batches_tracked")}, folder / "initial.safetensors")
        spec = {
            "dataset": {"path": "data.npz", "format": "npz", "validation_fraction": 0},
            "model": {"architecture": "preact_resnet18", "width": width, "init": "initial.safetensors"},
            "threat": {"norm": "linf", "epsilon": EPSILON},
            "training": {
                "method": "pgd", "base_epochs": 0, "epochs": epochs, "batch_size": batch,
                "attack": {"name": "pgd", "steps": STEPS, "step_size": STEP, "random_start": True},
                "optimizer": {"name": "sgd", "learning_rate": RATE, "momentum": MOMENTUM, "weight_decay": DECAY},
                "schedule": {"name": "constant"}, "select": "last"},
            "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 20, "curve": []}, "seed": seed}
        (folder / "spec.json").write_text(json.dumps(spec))
        command = [TEMPER, "run", folder / "spec.json", "--out", folder / "out"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 6):
            raise SystemExit(done.stderr)
        with open(folder / "out" / "metrics.csv") as file:
            return [float(row["loss"]) for row in csv.DictReader(file)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
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
            losses = train(initial, options.width, pixels, labels, options.epochs, options.batch, order)
            print(json.dumps({"side": side, "order": order, "loss": [round(loss, 4) for loss in losses]}), flush=True)


if __name__ == "__main__":
    main()
