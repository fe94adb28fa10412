"""Reference values for interval bounds: Tests/TrainingTests/Fixtures/bounds/*.safetensors.

    venv/bin/python Tests/Peers/bounds.py [FOLDER]

A transcription, in double precision, of interval bound propagation (Gowal et al. 2018, arXiv:1810.12715) in centre and radius, with the last layer
folded into the question, and of the regulariser of Shi et al. 2021 (github.com/shizhouxing/Fast-Certified-Robust-Training, regularization.py,
`compute_reg` with `reg_obj` relu and tightness and `tol` 0.5). Weights and images are computed by `noise` on both sides.

    interval_bounds            of 100 images and a network with every kind of layer: `worst` [100, classes], upper bounds of z_k - z_y; `loss` [1],
                               the mean cross-entropy of these and the regulariser; `P` for each weight: its gradient
    ibp_plain, ibp_normalized  of six steps of SGD on one batch of 40 images: `losses` [6], `P` for each weight and statistic after them
    mtl_ibp_plain              the same with adversarial examples of PGD beside the bounds
    clopper_pearson            `successes`, `trials`, `alpha`, `bound`: scipy's beta.ppf
"""

import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from scipy.stats import beta
from torch import nn

from methods import BATCH, CLASSES, SIDE, normalized, plain, set_weights
from reference import noise, signed_noise
from temper_network import channels_first

torch.set_num_threads(1)

TOLERANCE = 0.5
EPSILON, STEP_SIZE, ATTACK_STEPS, STEPS, RAMP = 0.2, 0.06, 4, 6, 0.5
ROBUST, REGULARIZER, L1, CLIP, ALPHA = 0.7, 0.5, 1e-3, 1.0, 0.4


class Residual(nn.Module):
    def __init__(self, *body):
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x):
        return self.body(x) + x


class Global(nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3))


def rich():
    """The layers of `BoundsReference.rich`; 3 channels, 8 rows, 6 columns."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8), nn.ReLU6(),
        Residual(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 1)), nn.MaxPool2d(2, stride=1), nn.AvgPool2d(2, stride=1),
        nn.Conv2d(8, 8, 3, padding=1, groups=2), nn.GELU(), Global(), nn.Linear(8, 7), nn.SiLU(), nn.Linear(7, 5))


def smooth(function, minimum, low, high):
    """Bounds of a function that falls to `minimum` and rises from there."""
    ends = function(low), function(high)
    least = torch.where((low < minimum) & (high > minimum), function(torch.full_like(low, minimum)), torch.minimum(*ends))
    return least, torch.maximum(*ends)


def ends(function, c, r):
    low, high = function(c - r), function(c + r)
    return (low + high) / 2, (high - low) / 2


def propagate(module, c, r, seen):
    """Centre and radius after a module; `seen` takes what each ReLU reads."""
    if isinstance(module, nn.Sequential):
        for part in module:
            c, r = propagate(part, c, r, seen)
        return c, r
    if isinstance(module, Residual):
        inner = propagate(module.body, c, r, seen)
        return c + inner[0], r + inner[1]
    if isinstance(module, nn.Conv2d):
        settings = module.stride, module.padding, module.dilation, module.groups
        return F.conv2d(c, module.weight, module.bias, *settings), F.conv2d(r, module.weight.abs(), None, *settings)
    if isinstance(module, nn.Linear):
        return F.linear(c, module.weight, module.bias), F.linear(r, module.weight.abs())
    if isinstance(module, nn.BatchNorm2d):
        factor = module.weight / (module.running_var + module.eps).sqrt()
        shift = module.bias - module.running_mean * factor
        return c * factor.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1), r * factor.abs().view(1, -1, 1, 1)
    if isinstance(module, (nn.ReLU, nn.ReLU6)):
        seen.append((c, r))
        return ends(module, c, r)
    if isinstance(module, (nn.GELU, nn.SiLU)):
        low, high = smooth(module, -0.7517915246935645 if isinstance(module, nn.GELU) else -1.2784645427610738, c - r, c + r)
        return (low + high) / 2, (high - low) / 2
    if isinstance(module, nn.MaxPool2d):
        return ends(module, c, r)
    assert isinstance(module, (nn.AvgPool2d, nn.Flatten, Global)), module
    return module(c), module(r)


def box(images, epsilon):
    low, high = (images - epsilon).clamp(min=0), (images + epsilon).clamp(max=1)
    return (low + high) / 2, (high - low) / 2


def worst_case(model, images, labels, epsilon):
    """Upper bounds of z_k - z_y, and what each ReLU reads, the first box in front."""
    first = box(images, epsilon)
    seen = [first]
    c, r = propagate(model[:-1], *first, seen)
    last = model[-1]
    difference = last.weight[None] - last.weight[labels][:, None]
    bias = last.bias[None] - last.bias[labels][:, None]
    return (difference * c[:, None]).sum(-1) + bias + (difference.abs() * r[:, None]).sum(-1), seen


def regularizer(seen):
    tightness, balance = 0.0, 0.0
    first = seen[0][1].mean()
    for c, r in seen[1:]:
        tightness = tightness + F.relu(TOLERANCE - first / r.mean().clamp(min=1e-12)) / TOLERANCE
        active, inactive = c - r > 0, c + r < 0
        delta = (c - c.mean()) ** 2
        means = (c * active).mean() / -(c * inactive).mean()
        variances = (delta * active).sum() / (delta * inactive).sum()
        means = torch.min(means, 1 / means.clamp(min=1e-12))
        variances = torch.min(variances, 1 / variances.clamp(min=1e-12))
        own = (F.relu(TOLERANCE - means) + F.relu(TOLERANCE - variances)) / TOLERANCE
        if torch.isfinite(own):
            balance = balance + own
    return (tightness + balance) / (len(seen) - 1)


def bounds():
    model = rich().double().eval()
    set_weights(model)
    norm = model[1]
    norm.running_mean.copy_(torch.from_numpy(signed_noise(300, 8) / 4))
    norm.running_var.copy_(torch.from_numpy(noise(301, 8) + 0.5))
    images = channels_first(noise(2_000, 100 * 8 * 6 * 3).reshape(100, 8, 6, 3).astype(np.float64))
    labels = torch.tensor([(3 * i + 1) % 5 for i in range(100)])
    worst, seen = worst_case(model, images, labels, 0.05)
    loss = F.cross_entropy(worst, labels) + REGULARIZER * regularizer(seen)
    loss.backward()
    print("of the ReLUs: radius / first", [(r.mean() / seen[0][1].mean()).item() for _, r in seen], "regularizer", regularizer(seen).item())
    return {"worst": worst, "loss": [loss.item()], **{name: weight.grad for name, weight in model.named_parameters()}}


def attack(model, images, labels, rise):
    model.eval()
    x = images
    for _ in range(ATTACK_STEPS):
        x = x.detach().requires_grad_()
        gradient, = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), [x])
        x = x.detach() + rise * STEP_SIZE * gradient.sign()
        x = torch.min(torch.max(x, images - rise * EPSILON), images + rise * EPSILON).clamp(0, 1)
    model.train()
    return x.detach()


def trained(model, alpha, robust):
    """Six steps; epsilon rises over the first half of them."""
    model.double().train()
    set_weights(model)
    images = channels_first(noise(1_000, BATCH * SIDE * SIDE).reshape(BATCH, SIDE, SIDE, 1).astype(np.float64))
    labels = torch.tensor([(7 * i + 3) % CLASSES for i in range(BATCH)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=5e-4)
    told = []
    for step in range(STEPS):
        rise = min(1, step / (RAMP * STEPS))
        optimizer.zero_grad()
        x = attack(model, images, labels, rise) if alpha < 1 else None
        loss = 0.0
        if robust < 1 or alpha == 1:
            loss = (1 - robust) * F.cross_entropy(model(images), labels)
        if alpha < 1:
            loss = loss + robust * (1 - alpha) * F.cross_entropy(model(x), labels)
        worst, seen = worst_case(model, images, labels, rise * EPSILON)
        loss = loss + robust * alpha * F.cross_entropy(worst, labels)
        loss = loss + REGULARIZER * (1 - rise) * regularizer(seen)
        loss = loss + L1 * sum(weight.abs().sum() for weight in model.parameters() if weight.dim() > 1)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        told.append(loss.item())
        print(f"loss {loss.item():.4f}, gradient {norm.item():.3f}, regularizer {regularizer(seen).item():.4f}")
    weights = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    return {"losses": told, **weights}


def clopper_pearson():
    cases = [
        (successes, trials, alpha) for trials, counts in
        [(1, [1]), (10, [1, 5, 9, 10]), (100, [50, 51, 73, 99, 100]), (10_000, [1, 5_000, 5_200, 9_000, 9_999, 10_000]),
         (100_000, [60_000, 99_950, 100_000])]
        for successes in counts for alpha in (0.001, 0.05)
    ]
    columns = list(zip(*cases))
    bound = [beta.ppf(alpha, successes, trials - successes + 1) for successes, trials, alpha in cases]
    return {"successes": columns[0], "trials": columns[1], "alpha": columns[2], "bound": bound}


def save(folder, name, values):
    arrays = {key: np.ascontiguousarray(torch.as_tensor(value).detach().numpy().astype(np.float32)) for key, value in values.items()}
    assert all(np.isfinite(array).all() for array in arrays.values()), name
    save_file(arrays, folder / f"{name}.safetensors", {"made_by": json.dumps(f"bounds.py with PyTorch {torch.__version__.split('+')[0]}")})


if __name__ == "__main__":
    default = pathlib.Path(__file__).parent.parent / "TrainingTests" / "Fixtures" / "bounds"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, "interval_bounds", bounds())
    save(folder, "ibp_plain", trained(plain(), 1, ROBUST))
    save(folder, "ibp_normalized", trained(normalized(), 1, ROBUST))
    save(folder, "mtl_ibp_plain", trained(plain(), ALPHA, 1))
    for name, values in clopper_pearson().items():
        print(name, [float(value) for value in values])
