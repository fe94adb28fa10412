"""Reference values for Temper's architectures, computed by PyTorch: Tests/ModelsTests/Fixtures/architectures/*.safetensors.

    python3 -m venv venv && venv/bin/pip install torch torchvision timm numpy safetensors
    venv/bin/python Tests/Peers/architectures.py [NAME...]

The networks are torchvision's and timm's own where those have them. Weights and images come from `noise` (reference.py) on both sides and
are not stored: the weights by their place among the sorted names. PyTorch computes in double precision; how far its own single
precision lies from that is printed.

What a file holds: `evaluated.logits`, `evaluated.loss`, `evaluated.input_gradient.norm` and `.samples` (running statistics);
`gradient.P.norm` and `.samples` of each weight P, `statistics.P.norm` after that one pass, `sgd.losses`, and `sgd.logits` after ten
steps of SGD (rate 0.01, momentum 0.9, weight decay 0.0005), all with the statistics of the batch, and at last the
running ones. The metadata: the model section of a job spec, the names and shapes of the state dict, and how far PyTorch's single
precision lies from its double, by group of values.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

from reference import noise, noise_bits, signed_noise
from robust_networks import PreActResNet18, WideResNet

BATCH = 36  # more than one shard, and no multiple of it
SAMPLES = 16


def torchvision_resnet18(classes, stem):
    import torchvision

    model = torchvision.models.resnet18(num_classes=classes)
    if stem == "cifar":
        model.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        model.maxpool = nn.Identity()
    return model


def torchvision_mobilenet(classes):
    import torchvision

    return torchvision.models.mobilenet_v2(num_classes=classes, dropout=0.0)


class KerasConvolution(nn.Conv2d):
    """A strided convolution as Keras' MobileNetV2 has it: `correct_pad` of an even side adds one row less in front, then no padding."""

    def forward(self, x):
        h, w = x.shape[2:]
        return super().forward(nn.functional.pad(x, (w % 2, 1, h % 2, 1)))


def keras_mobilenet(classes):
    model = torchvision_mobilenet(classes)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.__class__, module.padding = KerasConvolution, (0, 0)
    return model


def timm_model(name, classes, **options):
    import timm

    return timm.create_model(name, num_classes=classes, **options)


def timm_vision_transformer(classes):
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(img_size=(12, 20), patch_size=4, embed_dim=36, depth=3, num_heads=3, num_classes=classes)


NETWORKS = {
    "preact_resnet18": ({"architecture": "preact_resnet18", "width": 8}, [15, 13, 3], lambda c: PreActResNet18(c, width=8)),
    "resnet18_cifar": ({"architecture": "resnet18", "stem": "cifar"}, [12, 12, 3], lambda c: torchvision_resnet18(c, "cifar")),
    "resnet18_imagenet": ({"architecture": "resnet18", "stem": "imagenet"}, [40, 33, 3], lambda c: torchvision_resnet18(c, "imagenet")),
    "wide_resnet": ({"architecture": "wide_resnet", "depth": 16, "width": 1}, [14, 16, 3], lambda c: WideResNet(16, 1, c)),
    "mobilenet_v2": ({"architecture": "mobilenet_v2", "dropout": 0.0}, [48, 40, 3], torchvision_mobilenet),
    "mobilenet_v2_keras": ({"architecture": "mobilenet_v2", "dropout": 0.0, "padding": "keras"}, [48, 37, 3], keras_mobilenet),
    "vit_tiny": (
        {"architecture": "vit_tiny", "patch": 4, "depth": 3, "width": 36, "heads": 3}, [12, 20, 3], lambda c: timm_vision_transformer(c)),
    "efficientnet_lite0": ({"architecture": "efficientnet_lite0"}, [48, 40, 3], lambda c: timm_model("efficientnet_lite0", c)),
}
CLASSES = 7


def fill(model):
    """Weights by their place among the sorted names; see `ArchitectureTests.parameters`."""
    state = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    with torch.no_grad():
        for index, name in enumerate(sorted(state)):
            value = state[name]
            random = torch.from_numpy(signed_noise(index, value.numel())).view(value.shape)
            if value.dim() > 1:
                random = random * np.float32(1.5 / math.sqrt(value[0].numel()))
            elif name.endswith("running_var") or name.endswith("weight"):
                random = 1 + random * np.float32(0.25)
            else:
                random = random * np.float32(0.125)
            value.copy_(random)
    return sorted(state)


def samples(index, values):
    return values[noise_bits(2000 + index, SAMPLES).astype(np.int64) % values.size]


def digest(name, index, tensor):
    values = tensor.detach().double().numpy().ravel()
    return {f"{name}.norm": [np.linalg.norm(values)], f"{name}.samples": samples(index, values)}


def reference(make, shape, dtype):
    torch.manual_seed(0)
    model = make(CLASSES)
    names = fill(model)
    model.to(dtype)
    images = noise(1000, BATCH * math.prod(shape)).reshape(BATCH, *shape)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(dtype)
    y = torch.tensor([(7 * i + 3) % CLASSES for i in range(BATCH)])

    model.eval()
    x.requires_grad_(True)
    logits = model(x)
    loss = nn.functional.cross_entropy(logits, y)
    gradient, = torch.autograd.grad(loss, x)
    values = {"evaluated.logits": logits, "evaluated.loss": loss.view(1)}
    values |= digest("evaluated.input_gradient", 0, gradient.permute(0, 2, 3, 1).contiguous())

    x = x.detach()
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        if step == 0:
            for index, (name, weight) in enumerate(sorted(model.named_parameters())):
                values |= digest(f"gradient.{name}", index, weight.grad)
            for name, value in model.named_buffers():
                if not name.endswith("num_batches_tracked"):
                    values[f"statistics.{name}.norm"] = [value.norm().item()]
        optimizer.step()
        losses.append(loss.item())
    values["sgd.losses"] = losses
    model.eval()
    values["sgd.logits"] = model(x)
    as_array = lambda v: v.detach().double().numpy() if isinstance(v, torch.Tensor) else np.asarray(v, dtype=np.float64)
    shapes = {name: list(value.shape) for name, value in model.state_dict().items() if name in names}
    return {name: np.ascontiguousarray(as_array(value)) for name, value in values.items()}, shapes


def main():
    folder = pathlib.Path(__file__).resolve().parent.parent / "ModelsTests" / "Fixtures" / "architectures"
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or NETWORKS:
        spec, shape, make = NETWORKS[name]
        double, shapes = reference(make, shape, torch.float64)
        single, _ = reference(make, shape, torch.float32)
        apart = {
            key: np.linalg.norm(single[key] - double[key]) / max(np.linalg.norm(double[key]), 1e-12)
            for key in double if key.split(".")[0] != "gradient" or np.linalg.norm(double[key]) > 1e-4
        }
        groups = {}
        for group in ("evaluated", "gradient", "statistics", "sgd.losses", "sgd.logits"):
            groups[group] = max((value for key, value in apart.items() if key.startswith(group)), default=0)
        print(name, {group: f"{value:.1e}" for group, value in groups.items()})
        metadata = {
            "model": json.dumps(spec), "input": json.dumps(shape), "classes": str(CLASSES), "state_dict": json.dumps(shapes),
            "single_precision": json.dumps(groups),
        }
        save_file({key: value.astype(np.float32) for key, value in double.items()}, folder / f"{name}.safetensors", metadata)


if __name__ == "__main__":
    main()
