#!/usr/bin/env python3
"""Measures whole steps of PGD training in PyTorch: attack with a random start, then one update by SGD, on images of noise.

One setting for each process, so that the peak memory it prints is that setting's own. `peers.py` runs it beside `temper bench`.
"""
import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F

import timed_steps


def mlp():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def madry_cnn():
    """Madry et al. 2018, arXiv:1706.06083: the network for MNIST."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 1024), nn.ReLU(), nn.Linear(1024, 10))


class PreActBlock(nn.Module):
    """He et al. 2016, arXiv:1603.05027."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(filters), nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        changes = stride != 1 or channels != filters
        self.shortcut = nn.Conv2d(channels, filters, 1, stride, bias=False) if changes else None

    def forward(self, x):
        activated = F.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(activated)
        return self.conv2(F.relu(self.bn2(self.conv1(activated)))) + shortcut


def preact_resnet18():
    layers, channels = [nn.Conv2d(3, 64, 3, 1, 1, bias=False)], 64
    for filters, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [PreActBlock(channels, filters, stride), PreActBlock(filters, filters, 1)]
        channels = filters
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def conv_norm_relu6(channels, filters, kernel, stride=1, groups=1):
    return [nn.Conv2d(channels, filters, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(filters),
            nn.ReLU6(inplace=True)]


class InvertedResidual(nn.Module):
    """Sandler et al. 2018, arXiv:1801.04381."""

    def __init__(self, channels, filters, stride, expansion):
        super().__init__()
        hidden = channels * expansion
        expand = conv_norm_relu6(channels, hidden, 1) if expansion != 1 else []
        self.conv = nn.Sequential(
            *expand, *conv_norm_relu6(hidden, hidden, 3, stride, groups=hidden), nn.Conv2d(hidden, filters, 1, bias=False),
            nn.BatchNorm2d(filters))
        self.is_residual = stride == 1 and channels == filters

    def forward(self, x):
        return x + self.conv(x) if self.is_residual else self.conv(x)


def mobilenet_v2():
    layers, channels = conv_norm_relu6(3, 32, 3, 2), 32
    for expansion, filters, repeats, stride in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for block in range(repeats):
            layers.append(InvertedResidual(channels, filters, stride if block == 0 else 1, expansion))
            channels = filters
    layers += conv_norm_relu6(channels, 1280, 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000))


NETWORKS = {network.__name__: network for network in (mlp, madry_cnn, preact_resnet18, mobilenet_v2)}


def perturbed(model, x, y, epsilon, step_size, steps, bf16):
    d = torch.empty_like(x).uniform_(-epsilon, epsilon)
    d = (x + d).clamp(0, 1) - x
    for _ in range(steps):
        d.requires_grad_(True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = F.cross_entropy(model(x + d), y)
        gradient, = torch.autograd.grad(loss, d)
        with torch.no_grad():
            d = (d + step_size * gradient.sign()).clamp(-epsilon, epsilon)
            d = (x + d).clamp(0, 1) - x
    return (x + d).detach()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", choices=NETWORKS, required=True)
    timed_steps.add_arguments(parser)
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    height, width, channels = map(int, options.image.split(","))
    model = NETWORKS[options.architecture]()
    x = torch.rand(options.batch_size, channels, height, width)
    y = torch.randint(0, options.classes, (options.batch_size,))
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    network = torch.compile(model) if options.compile else model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

    def step():
        begun = time.perf_counter()
        model.eval()  # Temper's attack too takes batch norm as it stands
        adversarial = perturbed(network, x, y, 8 / 255, 2 / 255, options.attack_steps, options.bf16)
        model.train()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            loss = F.cross_entropy(network(adversarial), y)
        loss.backward()
        optimizer.step()
        return time.perf_counter() - begun

    timed_steps.measure("PyTorch " + torch.__version__, options, step)


if __name__ == "__main__":
    main()
