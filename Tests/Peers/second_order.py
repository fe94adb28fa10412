"""How exactly Temper computes the gradient at the weights of a penalty on gradients at images (gradalign, input_gradient).

    venv/bin/python Tests/Peers/second_order.py --data FOLDER

FOLDER holds MNIST's training images and labels. Two networks, one with max pooling and one with batch norm, are trained on clean images for 0, 30
and 300 steps. At each point the gradient of either penalty over 128 images is computed in double precision by PyTorch's double backward, and in
single precision as the difference of two gradients beside the images: of the network itself (`plain`), and of the network whose ReLUs and maxima
take the branches that they take at the images (`frozen`), which is what Temper does. Printed is the distance from the exact gradient over its
length, by the reach of the step in pixels; without batch norm each image has a step of its own length, with it the longest has the reach.
"""

import argparse
import copy
import gzip
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)

COUNT, EPSILON, REACHES = 128, 0.1, (3, 1, 0.3, 0.1, 0.03, 0.01)
PENALTIES = {"gradalign": 0.2, "input_gradient": 10.0}


class Branches:
    """Whether ReLUs and maxima note their branches or take those that they noted."""

    are_frozen = False


class ReLU(nn.Module):
    def forward(self, x):
        if Branches.are_frozen:
            return x * self.mask
        self.mask = (x > 0).detach()
        return x.relu()


class MaxPool(nn.Module):
    def forward(self, x):
        if Branches.are_frozen:
            return x.flatten(2).gather(2, self.positions.flatten(2)).view(self.positions.shape)
        y, self.positions = F.max_pool2d(x, 2, return_indices=True)
        return y


class Residual(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(channels), ReLU(), nn.Conv2d(channels, filters, 3, 2, 1, bias=False), nn.BatchNorm2d(filters), ReLU(),
            nn.Conv2d(filters, filters, 3, 1, 1, bias=False))
        self.shortcut = nn.Conv2d(channels, filters, 1, 2, bias=False)

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), ReLU(), MaxPool(), nn.Conv2d(32, 64, 3, padding=1), ReLU(), MaxPool(), nn.Flatten(),
        nn.Linear(64 * 49, 128), ReLU(), nn.Linear(128, 10))


def residual():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), Residual(16, 32), Residual(32, 64), nn.BatchNorm2d(64), ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(64, 10))


def mnist(folder):
    def values(name, offset):
        packed, plain = folder / (name + ".gz"), folder / name
        data = gzip.open(packed).read() if packed.exists() else plain.read_bytes()
        return np.frombuffer(data, np.uint8, offset=offset)

    images = torch.tensor(values("train-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)[:4096] / 255, dtype=torch.float32)
    return images, torch.tensor(values("train-labels-idx1-ubyte", 8)[:4096].astype(np.int64))


def train(model, images, labels, steps):
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(steps):
        chosen = torch.randint(0, len(labels), (COUNT,))
        optimizer.zero_grad()
        F.cross_entropy(model(images[chosen]), labels[chosen]).backward()
        optimizer.step()


def image_gradient(model, x, labels, create_graph=False):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x, create_graph=create_graph)[0]


def lengths(values):
    return values.flatten(1).norm(dim=1)


def penalty(name, clean, other):
    if name == "input_gradient":
        return PENALTIES[name] * (other ** 2).sum() / COUNT
    return PENALTIES[name] * (1 - F.cosine_similarity(clean.flatten(1), other.flatten(1), eps=0)).sum() / COUNT


def flat(gradients, model):
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in zip(gradients, model.parameters())]).double()


def exact(name, model, images, labels, base):
    other = image_gradient(model, base, labels, True)
    value = penalty(name, image_gradient(model, images, labels), other)
    return flat(torch.autograd.grad(value, list(model.parameters()), allow_unused=True), model)


def slope(name, model, images, labels, base):
    """v, in double precision from gradients in single precision, as in Temper."""
    clean, other = image_gradient(model, images, labels).double(), image_gradient(model, base, labels).double().requires_grad_()
    return torch.autograd.grad(penalty(name, clean, other), other)[0].float()


def difference(model, base, labels, v, steps, frozen):
    with torch.no_grad():
        probabilities = model(base).softmax(1)
    one_hot, weight = F.one_hot(labels, 10), (0.5 / steps)[:, None]
    shift = v * steps[:, None, None, None]
    Branches.are_frozen = frozen
    plus, minus = model(base + shift), model(base - shift)
    if frozen:
        move = ((plus - minus) * weight).detach()
        bend = probabilities * (move - (probabilities * move).sum(1, keepdim=True)) / 2
        weights = (probabilities - one_hot) * weight + bend, bend - (probabilities - one_hot) * weight
    else:
        weights = ((plus.softmax(1) - one_hot) * weight).detach(), ((one_hot - minus.softmax(1)) * weight).detach()
    gradients = torch.autograd.grad((plus * weights[0]).sum() + (minus * weights[1]).sum(), list(model.parameters()))
    Branches.are_frozen = False
    return flat(gradients, model)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="the folder of MNIST's files")
    images, labels = mnist(parser.parse_args().data)
    torch.manual_seed(0)
    table = []
    for make in (lenet, residual):
        for steps in (0, 30, 300):
            model = make()
            train(model, images, labels, steps)
            doubled = copy.deepcopy(model).double()
            x, y = images[:COUNT], labels[:COUNT]
            noisy = x + (torch.rand_like(x) * 2 - 1) * EPSILON
            for name in PENALTIES:
                base = noisy if name == "gradalign" else x
                reference = exact(name, doubled, x.double(), y, base.double())
                v = slope(name, model, x, y, base)
                longest = lengths(v) if make is lenet else lengths(v).max().expand(COUNT)
                errors = {
                    kind: {str(r): float(f"{(difference(model, base, y, v, r / longest.clamp_min(1e-30), kind == 'frozen') - reference).norm() / reference.norm():.1e}")
                           for r in REACHES} for kind in ("plain", "frozen")
                }
                table.append({"network": make.__name__, "steps": steps, "penalty": name, **errors})
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
