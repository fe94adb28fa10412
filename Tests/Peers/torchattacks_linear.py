"""Prints what torchattacks makes of a small linear model, for Tests/AttacksTests/TorchattacksTests.swift.

    pip install torch torchattacks && python Tests/Peers/torchattacks_linear.py

The attacks start at the clean images, because torchattacks takes no start of one's own.
"""
import math

import torch
import torchattacks

CLASSES, PIXELS, IMAGES = 3, 6, 4


class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_parameter("weight", torch.nn.Parameter(torch.tensor(
            [[2 * math.sin(1 + 2.3 * k + 1.7 * p) for p in range(PIXELS)] for k in range(CLASSES)], dtype=torch.float32)))

    def forward(self, x):
        return x.flatten(1) @ self.weight.T


model = Linear().eval()
# [image, channel, height, width]; one channel, so the order of pixels is the same channels last.
images = torch.tensor([[0.5 + 0.5 * math.sin(3 + 1.1 * n + 2.9 * p) for p in range(PIXELS)] for n in range(IMAGES)], dtype=torch.float32)
images = images.reshape(IMAGES, 1, 2, 3)
labels = torch.tensor([0, 1, 2, 0])

for name, attack in [
    ("fgsm", torchattacks.FGSM(model, eps=0.1)),
    ("pgd", torchattacks.PGD(model, eps=0.1, alpha=0.03, steps=5, random_start=False)),
    ("pgdL2", torchattacks.PGDL2(model, eps=0.4, alpha=0.15, steps=5, random_start=False)),
]:
    print(name, [round(v, 6) for v in attack(images, labels).flatten().tolist()])
