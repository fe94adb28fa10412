"""Reference values for what surrounds a training method: Tests/TrainingTests/Fixtures/updates/*.safetensors.

    venv/bin/python Tests/Peers/updates.py [FOLDER]

Networks, weights and images are those of methods.py, all is in double precision, and a run is some steps of SGD on one batch of 40 images.

    average_normalized   three steps with an average of the weights of decay min(0.2, (1 + t) / (10 + t)), t the updates done, and the buffers
                         of batch norm copied, as `ema_update` and `update_bn` of Gowal and Rebuffi's recipes in PyTorch have it: `raw.P`,
                         `averaged.P` for each weight and statistic P
    clipped_plain        four steps with clip_grad_norm_ and label smoothing: `losses` [4], `norms` [4] before clipping, `clip_norm` [1],
                         `label_smoothing` [1], `P` for each weight
    accumulated_normalized  three steps of which each adds up the gradients of the first 32 images and of the other eight, batch norm with the
                         statistics of each part: `P` for each weight and statistic
    frozen_layers        three steps in which the convolution is not learnt: `P`
    frozen_statistics    three steps with batch norm in `eval()`, from statistics of its own: `P`; `start.P` for the statistics; clipped to
                         `clip_norm` [1]
    smoothing            `logits` [12, 5]; `loss` [12] and `gradient` of the sum with `label_smoothing` [1]
"""

import copy
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

from methods import BATCH, CLASSES, SIDE, normalized, plain, save, set_weights
from reference import noise, signed_noise
from temper_network import channels_first

LABELS = torch.tensor([(7 * i + 3) % CLASSES for i in range(BATCH)])


def images():
    return channels_first(noise(1_000, BATCH * SIDE * SIDE).reshape(BATCH, SIDE, SIDE, 1).astype(np.float64))


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}


def averaged():
    model = normalized().double()
    set_weights(model)
    mean = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=5e-4)
    for t in range(1, 4):
        optimizer.zero_grad()
        F.cross_entropy(model(images()), LABELS).backward()
        optimizer.step()
        decay = min(0.2, (1 + t) / (10 + t))
        with torch.no_grad():
            for average, weight in zip(mean.parameters(), model.parameters()):
                average.mul_(decay).add_(weight * (1 - decay))
            for average, buffer in zip(mean.buffers(), model.buffers()):
                average.copy_(buffer)
    return {f"raw.{n}": v for n, v in weights(model).items()} | {f"averaged.{n}": v for n, v in weights(mean).items()}


def clipped(limit=0.1, smoothing=0.3):
    model = plain().double()
    set_weights(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.9, weight_decay=5e-4)
    losses, norms = [], []
    for _ in range(4):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images()), LABELS, label_smoothing=smoothing)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item())
        optimizer.step()
        losses.append(loss.item())
    assert min(norms) < limit < max(norms), norms
    return {"losses": losses, "norms": norms, "clip_norm": [limit], "label_smoothing": [smoothing], **weights(model)}


def accumulated():
    model = normalized().double()
    set_weights(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=5e-4)
    for _ in range(3):
        optimizer.zero_grad()
        for part in (slice(0, 32), slice(32, BATCH)):
            (F.cross_entropy(model(images()[part]), LABELS[part], reduction="sum") / BATCH).backward()
        optimizer.step()
    return weights(model)


def frozen_layers():
    model = normalized().double()
    set_weights(model)
    model[0].weight.requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.2, momentum=0.9, weight_decay=5e-4)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(images()), LABELS).backward()
        optimizer.step()
    return weights(model)


def frozen_statistics(limit=0.1):
    model = normalized().double()
    set_weights(model)
    with torch.no_grad():
        model[1].running_mean.copy_(torch.from_numpy(signed_noise(50, 4).astype(np.float64) / 4))
        model[1].running_var.copy_(torch.from_numpy(1 / 4 + noise(51, 4).astype(np.float64)))
    start = {f"start.1.{name}": value.clone() for name, value in model[1].named_buffers() if name != "num_batches_tracked"}
    model[1].eval()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=5e-4)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(images()), LABELS).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
        assert norm > 1.2 * limit, norm
        optimizer.step()
    return {"clip_norm": [limit], **start, **weights(model)}


def smoothed(smoothing=0.4):
    scales = np.repeat([1.0, 5.0, 30.0, 300.0], 3)[:, None]
    logits = torch.tensor(scales * signed_noise(10, 60).reshape(12, 5), dtype=torch.float64, requires_grad=True)
    loss = F.cross_entropy(logits, torch.tensor([i % 5 for i in range(12)]), reduction="none", label_smoothing=smoothing)
    loss.sum().backward()
    return {"logits": logits, "loss": loss, "gradient": logits.grad, "label_smoothing": [smoothing]}


if __name__ == "__main__":
    default = pathlib.Path(__file__).parent.parent / "TrainingTests" / "Fixtures" / "updates"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, "average_normalized", averaged())
    save(folder, "clipped_plain", clipped())
    save(folder, "accumulated_normalized", accumulated())
    save(folder, "frozen_layers", frozen_layers())
    save(folder, "frozen_statistics", frozen_statistics())
    save(folder, "smoothing", smoothed())
