"""Temper's networks in PyTorch: what a checkpoint's metadata describe, as an nn.Module with the same names of weights.

The other scripts of this folder import it; README.md says how to set up Python for them.
"""

import json

import torch
from safetensors import safe_open
from torch import nn


class Residual(nn.Module):
    """The sum of what `body` and `shortcut` make of the input; an empty shortcut hands it through."""

    def __init__(self, layers, shortcut, channels, make):
        super().__init__()
        self.body, body_channels = make(layers, channels)
        self.shortcut, _ = make(shortcut, channels)
        self.channels = body_channels

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class Normalized(nn.Sequential):
    """A layer list behind a normalisation that has no weights and takes no index."""

    def __init__(self, layers, mean=None, std=None):
        super().__init__(*layers)
        self.mean = None if mean is None else torch.tensor(mean, dtype=torch.float32)
        self.std = None if std is None else torch.tensor(std, dtype=torch.float32)

    def forward(self, x):
        if self.mean is not None:
            shape = (1, -1, 1, 1) if x.dim() == 4 else (1, -1)
            x = (x - self.mean.to(x.dtype).view(shape)) / self.std.to(x.dtype).view(shape)
        return super().forward(x)


def modules(layers, shape):
    """The list as modules; `shape` is that of one image in PyTorch's order, (channels, height, width) or (features,)."""
    made = []
    for layer in layers:
        kind, field = layer["type"], layer.get
        if kind == "conv":
            module = nn.Conv2d(
                shape[0], field("filters"), field("kernel"), field("stride", 1), field("padding", 0),
                groups=field("groups", 1), bias=field("bias", True))
        elif kind == "linear":
            module = nn.Linear(shape[0], field("units"), bias=field("bias", True))
        elif kind in ("max_pool", "avg_pool"):
            pool = nn.MaxPool2d if kind == "max_pool" else nn.AvgPool2d
            module = pool(field("size"), field("stride", field("size")), field("padding", 0))
        elif kind == "relu":
            module = nn.ReLU()
        elif kind == "flatten":
            module = nn.Flatten()
        elif kind == "dropout":
            module = nn.Dropout(field("rate", 0.5))
        elif kind == "residual":
            module = Residual(layer["layers"], layer.get("shortcut", []), shape, lambda l, s: sequential(l, s))
        else:
            raise SystemExit(f"no layer type {kind} here")
        made.append(module)
        with torch.no_grad():
            shape = tuple(module.eval()(torch.zeros(1, *shape)).shape[1:])
    return made, shape


def sequential(layers, shape):
    made, shape = modules(layers, shape)
    return nn.Sequential(*made), shape


def network(metadata):
    """The network that a checkpoint's metadata describe, with weights yet to be loaded."""
    if "temper.layers" not in metadata:
        raise SystemExit("the file's metadata have no temper.layers: its network is no layer list")
    image = json.loads(metadata["temper.input"])
    shape = tuple(image) if len(image) == 1 else (image[2], image[0], image[1])
    made, output = modules(json.loads(metadata["temper.layers"]), shape)
    if output != (int(metadata["temper.classes"]),):
        raise SystemExit(f"the network ends in {output}, not in {metadata['temper.classes']} classes")
    normalization = json.loads(metadata.get("temper.normalization", "{}"))
    return Normalized(made, normalization.get("mean"), normalization.get("std")).eval()


def load(path):
    """A checkpoint as (network, metadata); every name and shape must fit."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        weights = {name: file.get_tensor(name) for name in file.keys()}
    model = network(metadata)
    model.load_state_dict(weights, strict=True)
    return model, metadata


def channels_first(images):
    """Temper's images, channels last, in PyTorch's order; rows stay rows."""
    images = torch.as_tensor(images)
    return images.permute(0, 3, 1, 2).contiguous() if images.dim() == 4 else images


def accuracy(model, images, labels, batch=500):
    """The fraction of `images` (channels first) that the model tells right."""
    right = 0
    with torch.no_grad():
        for start in range(0, len(images), batch):
            right += (model(images[start:start + batch]).argmax(1) == labels[start:start + batch]).sum().item()
    return right / len(images)
