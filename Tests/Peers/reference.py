"""Reference values for Temper's networks, computed by PyTorch: Tests/ModelsTests/Fixtures/*.safetensors.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors
    venv/bin/python Tests/Peers/reference.py [FOLDER]

Weights and images are not stored. Both sides compute them by `noise` below, in whole numbers up to one last product in single
precision, so they agree to the bit. PyTorch then computes in double precision; how far its own single precision lies from
that is printed.

What a file holds (float32; P stands for each weight's name, images are channels last):

    logits [5, classes]   loss [1]   input_gradient [5, h, w, c]     of the mean cross-entropy over the batch
    gradient.P.norm [1]   gradient.P.samples [<= 256]   gradient.P.dots [4]
    gradient.P.full                                                  (every_layer only)
    sgd.losses [10]       before each of ten steps of SGD (rate 0.01, momentum 0.9, weight decay 0.0005) on that batch
    sgd.logits [5, classes]                                          after them
    weight.P.norm, .samples, .dots                                   after them

`samples` are the values at noise_bits(2000 + i, 0...255) mod count, for the i-th weight; `dots` are the sums of products with the
vectors noise(3000 + 4 i + k) * 2 - 1, k = 0...3. The metadata are those of a Temper checkpoint.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

from temper_network import channels_first, network

torch.set_num_threads(1)

BATCH = 5

MADRY_CNN = [
    {"type": "conv", "filters": 32, "kernel": 5, "padding": 2}, {"type": "relu"}, {"type": "max_pool", "size": 2},
    {"type": "conv", "filters": 64, "kernel": 5, "padding": 2}, {"type": "relu"}, {"type": "max_pool", "size": 2},
    {"type": "flatten"}, {"type": "linear", "units": 1024}, {"type": "relu"}, {"type": "linear", "units": 10},
]
MLP = [
    {"type": "flatten"}, {"type": "linear", "units": 512}, {"type": "relu"}, {"type": "linear", "units": 512}, {"type": "relu"},
    {"type": "linear", "units": 10},
]
# Odd sizes, a stride with padding, groups, no bias, every pooling, both kinds of residual.
EVERY_LAYER = [
    {"type": "conv", "filters": 8, "kernel": 3, "stride": 2, "padding": 1}, {"type": "relu"},
    {"type": "conv", "filters": 8, "kernel": 3, "padding": 1, "groups": 4, "bias": False},
    {"type": "avg_pool", "size": 2, "stride": 1, "padding": 1},
    {"type": "residual",
     "layers": [{"type": "conv", "filters": 12, "kernel": 3, "padding": 1}, {"type": "relu"},
                {"type": "conv", "filters": 12, "kernel": 3, "stride": 2, "padding": 1}],
     "shortcut": [{"type": "conv", "filters": 12, "kernel": 1, "stride": 2, "bias": False}]},
    {"type": "relu"}, {"type": "max_pool", "size": 2, "stride": 1, "padding": 1},
    {"type": "residual", "layers": [{"type": "conv", "filters": 12, "kernel": 3, "padding": 1}, {"type": "relu"}], "shortcut": []},
    {"type": "flatten"}, {"type": "dropout", "rate": 0.0}, {"type": "linear", "units": 10}, {"type": "relu"},
    {"type": "linear", "units": 6},
]
NETWORKS = {
    "mlp": {"architecture": {"architecture": "mlp", "hidden": [512, 512]}, "layers": MLP, "input": [28, 28, 1], "classes": 10},
    "madry_cnn": {"architecture": {"architecture": "madry_cnn"}, "layers": MADRY_CNN, "input": [28, 28, 1], "classes": 10},
    "every_layer": {
        "architecture": {"layers": EVERY_LAYER}, "layers": EVERY_LAYER, "input": [7, 5, 3], "classes": 6,
        "normalization": {"mean": [0.25, 0.5, 0.75], "std": [0.5, 0.25, 0.125]}},
}


def noise_bits(stream, count):
    """24 random bits for each element of a stream: 32-bit arithmetic that wraps around (the finaliser is Wellons' lowbias32)."""
    h = np.uint32(stream * 0x9E3779B9 & 0xFFFFFFFF) + np.arange(count, dtype=np.uint32) * np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x7FEB352D)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x846CA68B)
    h ^= h >> np.uint32(16)
    return h >> np.uint32(8)


def noise(stream, count):
    """Uniform in [0, 1), exact in single precision."""
    return noise_bits(stream, count).astype(np.float32) * np.float32(2.0**-24)


def signed_noise(stream, count):
    """Uniform in [-1, 1), exact in single precision."""
    return (noise_bits(stream, count).astype(np.int32) - 2**23).astype(np.float32) * np.float32(2.0**-23)


def set_weights(model):
    """The i-th weight is signed_noise(i) / sqrt(fan-in), the fan-in of a bias that of its layer's weight."""
    index = 0
    with torch.no_grad():
        for module in model.modules():
            if not isinstance(module, (nn.Conv2d, nn.Linear)):
                continue
            scale = np.float32(1.0 / math.sqrt(module.weight[0].numel()))
            for weight in (module.weight, module.bias):
                if weight is not None:
                    weight.copy_(torch.from_numpy(signed_noise(index, weight.numel()) * scale).view(weight.shape))
                    index += 1


def digest(prefix, index, tensor):
    values = tensor.detach().double().numpy().ravel()
    positions = noise_bits(2000 + index, 256).astype(np.int64) % values.size
    vectors = [signed_noise(3000 + 4 * index + k, values.size).astype(np.float64) for k in range(4)]
    return {
        f"{prefix}.norm": [np.linalg.norm(values)],
        f"{prefix}.samples": values[positions],
        f"{prefix}.dots": [vector @ values for vector in vectors],
    }


def reference(metadata, full, dtype):
    model = network(metadata)
    set_weights(model)
    model.to(dtype)
    shape = json.loads(metadata["temper.input"])
    classes = int(metadata["temper.classes"])
    images = noise(1000, BATCH * math.prod(shape)).reshape(BATCH, *shape)
    x = channels_first(images).to(dtype)
    y = torch.tensor([(7 * i + 3) % classes for i in range(BATCH)])

    x.requires_grad_(True)
    logits = model(x)
    loss = nn.functional.cross_entropy(logits, y)
    loss.backward()
    values = {"logits": logits, "loss": loss.view(1), "input_gradient": x.grad.permute(0, 2, 3, 1)}
    for index, (name, weight) in enumerate(model.named_parameters()):
        values |= digest(f"gradient.{name}", index, weight.grad)
        if full:
            values[f"gradient.{name}.full"] = weight.grad.clone()

    x = x.detach()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    values["sgd.losses"] = losses
    values["sgd.logits"] = model(x)
    for index, (name, weight) in enumerate(model.named_parameters()):
        values |= digest(f"weight.{name}", index, weight)
    as_array = lambda v: v.detach().double().numpy() if isinstance(v, torch.Tensor) else np.asarray(v, dtype=np.float64)
    return {name: np.ascontiguousarray(as_array(value)) for name, value in values.items()}


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "ModelsTests" / "Fixtures")
    folder.mkdir(parents=True, exist_ok=True)
    for name, described in NETWORKS.items():
        text = lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True)
        metadata = {
            "temper.format": "1", "temper.architecture": text(described["architecture"]), "temper.layers": text(described["layers"]),
            "temper.input": text(described["input"]), "temper.classes": str(described["classes"]),
        }
        if "normalization" in described:
            metadata["temper.normalization"] = text(described["normalization"])
        double = reference(metadata, name == "every_layer", torch.float64)
        single = reference(metadata, name == "every_layer", torch.float32)
        save_file({key: value.astype(np.float32) for key, value in double.items()}, folder / f"{name}.safetensors", metadata)
        apart = {
            key: np.linalg.norm(single[key] - double[key]) / np.linalg.norm(double[key]) for key in double if not key.endswith(".dots")
        }
        worst = max(apart, key=apart.get)
        print(f"{name}: PyTorch in single precision is within {apart[worst]:.1e} of this ({worst})")


if __name__ == "__main__":
    main()
