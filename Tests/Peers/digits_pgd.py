"""Adversarial training of Temper's `lenet` on the digits in plain PyTorch: what Temper's own run is measured against.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors
    venv/bin/python Tests/Peers/digits_pgd.py digits.npz --seeds 0 1 2

digits.npz holds x_train, y_train, x_test, y_test: images [n, h, w] or [n, h, w, c], uint8 (scaled by 255) or float in [0, 1]. Pass the very
split that Temper trains on.

Adam at a constant rate through base_epochs of standard training and then, begun anew, epochs of PGD training (Madry et al. 2018): every image
replaced by its adversarial one, uniform start in the L-infinity ball, steps of 2.5 epsilon / steps. The weights of the last epoch are
evaluated on the test part by PGD from one random start; an image counts as misclassified when any iterate, including the start, is predicted wrong.
Prints JSON: clean and robust accuracy before (after the base epochs) and after, for each seed, and their means.
"""

import argparse
import json
import time

import torch
from torch import nn

from load_checkpoint import dataset
from temper_network import accuracy, modules


def lenet(shape, classes):
    layers, _ = modules([
        {"type": "conv", "filters": 32, "kernel": 3, "padding": 1}, {"type": "relu"}, {"type": "max_pool", "size": 2},
        {"type": "conv", "filters": 64, "kernel": 3, "padding": 1}, {"type": "relu"}, {"type": "max_pool", "size": 2},
        {"type": "flatten"}, {"type": "linear", "units": 128}, {"type": "relu"}, {"type": "linear", "units": classes},
    ], shape)
    return nn.Sequential(*layers)


def pgd(model, x, y, epsilon, steps):
    """Adversarial images, and which examples fell at any iterate."""
    size = 2.5 * epsilon / steps
    adversarial = (x + torch.empty_like(x).uniform_(-epsilon, epsilon)).clamp(0, 1)
    misclassified = torch.zeros(len(y), dtype=torch.bool)
    for _ in range(steps):
        adversarial.requires_grad_(True)
        logits = model(adversarial)
        misclassified |= logits.detach().argmax(1) != y
        gradient, = torch.autograd.grad(nn.functional.cross_entropy(logits, y, reduction="sum"), adversarial)
        adversarial = adversarial.detach() + size * gradient.sign()
        adversarial = (x + (adversarial - x).clamp(-epsilon, epsilon)).clamp(0, 1)
    with torch.no_grad():
        misclassified |= model(adversarial).argmax(1) != y
    return adversarial, misclassified


def evaluated(model, x, y, arguments):
    model.eval()
    _, misclassified = pgd(model, x, y, arguments.epsilon, arguments.evaluation_steps)
    return {"clean_accuracy": accuracy(model, x, y), "robust_accuracy": 1 - misclassified.double().mean().item()}


def run(seed, train, test, arguments):
    torch.manual_seed(seed)
    began = time.monotonic()
    x, y = train
    model = lenet(tuple(x.shape[1:]), int(y.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=arguments.learning_rate)
    result = {"seed": seed}
    for epoch in range(arguments.base_epochs + arguments.epochs):
        if epoch == arguments.base_epochs:
            result["before"] = evaluated(model, *test, arguments)
            # As Temper does: the moments of the base stage are not those of the retraining.
            optimizer = torch.optim.Adam(model.parameters(), lr=arguments.learning_rate)
        model.train()
        for batch in torch.randperm(len(x)).split(arguments.batch_size):
            images, labels = x[batch], y[batch]
            if epoch >= arguments.base_epochs:
                images, _ = pgd(model, images, labels, arguments.epsilon, arguments.steps)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
    result["after"] = evaluated(model, *test, arguments)
    result["seconds"] = round(time.monotonic() - began, 1)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epsilon", type=float, default=0.15)
    parser.add_argument("--base-epochs", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=7)
    parser.add_argument("--evaluation-steps", type=int, default=40)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    train, test = dataset(arguments.data, "train"), dataset(arguments.data, "test")
    runs = [run(seed, train, test, arguments) for seed in arguments.seeds]
    mean = {
        when: {what: sum(r[when][what] for r in runs) / len(runs) for what in ("clean_accuracy", "robust_accuracy")}
        for when in ("before", "after") if all(when in r for r in runs)
    }
    print(json.dumps({"settings": vars(arguments), "images": [len(train[0]), len(test[0])], "mean": mean, "runs": runs}, indent=2))


if __name__ == "__main__":
    main()
