"""Reference values for training methods: Tests/TrainingTests/Fixtures/methods/*.safetensors.

    venv/bin/python Tests/Peers/methods.py [FOLDER]

TRADES is a transcription of the authors' `trades_loss` (github.com/yaodongyu/TRADES, trades.py), with the clean images taken through the
network once and the target of the divergence clamped at 1e-12. All is in double precision; weights and images are computed by `noise` on both
sides.

    trades_loss               `clean`, `adversarial` [rows, classes]: logits, some of them far apart; `loss` [rows]: of each example;
                              `clean_gradient`, `adversarial_gradient`: of the sum of the losses; `beta` [1]
    trades_plain, _normalized  of five steps of SGD on one batch of 40 images: `losses` [5], `P` for each weight and statistic after them
    weight_perturbation       `P` for each weight of the plain network: what the authors of AWP add to it
                              (github.com/csdongxian/AWP, utils_awp.py)
"""

import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch import nn

from reference import noise, signed_noise
from temper_network import channels_first

torch.set_num_threads(1)

BATCH, CLASSES, SIDE = 40, 3, 6
EPSILON, STEP_SIZE, ATTACK_STEPS, BETA, STEPS = 0.2, 0.06, 4, 6.0, 5


def plain():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * SIDE * SIDE, CLASSES))


def normalized():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * SIDE * SIDE, CLASSES))


def set_weights(model):
    """The i-th learnt tensor is signed_noise(i) / sqrt(fan-in) where it has more than one dimension, else signed_noise(i) / 8, and 1 more
    for the scale of a batch norm."""
    with torch.no_grad():
        for index, (name, weight) in enumerate(model.named_parameters()):
            values = torch.from_numpy(signed_noise(index, weight.numel()).astype(np.float64)).view(weight.shape)
            if weight.dim() > 1:
                weight.copy_(values / np.sqrt(weight[0].numel()))
            else:
                weight.copy_(values / 8 + (1 if name.endswith("weight") else 0))


def divergence(clean, adversarial):
    """KL(p_clean || p_adversarial) of each row; without the clamp a probability of zero has a gradient of NaN."""
    target = F.softmax(clean, dim=1).clamp(min=1e-12)
    return F.kl_div(F.log_softmax(adversarial, dim=1), target, reduction="none").sum(1)


def losses(clean, adversarial, labels):
    return F.cross_entropy(clean, labels, reduction="none") + BETA * divergence(clean, adversarial)


def attack(model, images, start):
    model.eval()
    with torch.no_grad():
        clean = model(images)
    x = images + start
    for _ in range(ATTACK_STEPS):
        x.requires_grad_()
        gradient, = torch.autograd.grad(divergence(clean, model(x)).sum(), [x])
        x = x.detach() + STEP_SIZE * gradient.sign()
        x = torch.min(torch.max(x, images - EPSILON), images + EPSILON).clamp(0, 1)
    model.train()
    return x


def trained(model):
    """Five steps; the start of the attack at step t is 0.001 · signed_noise(500 + t), in the order of Temper's images."""
    model.double()
    set_weights(model)
    shape = (BATCH, SIDE, SIDE, 1)
    images = channels_first(noise(1_000, BATCH * SIDE * SIDE).reshape(shape).astype(np.float64))
    labels = torch.tensor([(7 * i + 3) % CLASSES for i in range(BATCH)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=5e-4)
    told = []
    for step in range(STEPS):
        start = channels_first(0.001 * signed_noise(500 + step, BATCH * SIDE * SIDE).reshape(shape).astype(np.float64))
        x = attack(model, images, start)
        optimizer.zero_grad()
        loss = losses(model(images), model(x), labels).mean()
        loss.backward()
        optimizer.step()
        told.append(loss.item())
    weights = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    return {"losses": told, **weights}


def loss_values():
    scales = np.repeat([1.0, 5.0, 30.0, 300.0], 3)[:, None]
    clean = torch.tensor(scales * signed_noise(10, 60).reshape(12, 5), dtype=torch.float64, requires_grad=True)
    adversarial = torch.tensor(scales[::-1].copy() * signed_noise(11, 60).reshape(12, 5), dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([i % 5 for i in range(12)])
    loss = losses(clean, adversarial, labels)
    loss.sum().backward()
    return {
        "clean": clean, "adversarial": adversarial, "loss": loss, "clean_gradient": clean.grad, "adversarial_gradient": adversarial.grad,
        "beta": [BETA],
    }


def perturbation():
    """`diff_in_weights` and `add_into_weights` with gamma 0.01, along the direction signed_noise(200 + i)."""
    model = plain().double()
    set_weights(model)
    changes = {}
    for index, (name, weight) in enumerate(model.named_parameters()):
        change = torch.from_numpy(signed_noise(200 + index, weight.numel()).astype(np.float64)).view(weight.shape)
        changes[name] = 0.01 * weight.norm() / (change.norm() + 1e-20) * change if weight.dim() > 1 else torch.zeros_like(weight)
    return changes


def save(folder, name, values):
    arrays = {key: np.ascontiguousarray(torch.as_tensor(value).detach().numpy().astype(np.float32)) for key, value in values.items()}
    assert all(np.isfinite(array).all() for array in arrays.values()), name
    save_file(arrays, folder / f"{name}.safetensors", {"made_by": json.dumps(f"methods.py with PyTorch {torch.__version__.split('+')[0]}")})


if __name__ == "__main__":
    default = pathlib.Path(__file__).parent.parent / "TrainingTests" / "Fixtures" / "methods"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, "trades_loss", loss_values())
    save(folder, "trades_plain", trained(plain()))
    save(folder, "trades_normalized", trained(normalized()))
    save(folder, "weight_perturbation", perturbation())
