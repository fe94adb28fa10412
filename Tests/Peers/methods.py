"""Reference values for training methods: Tests/TrainingTests/Fixtures/methods/*.safetensors.

    venv/bin/python Tests/Peers/methods.py [FOLDER]

Each method is a transcription of its authors' code, which is named where it stands; TRADES (github.com/yaodongyu/TRADES, trades.py) takes the
clean images through the network once and clamps the target of the divergence at 1e-12. All is in double precision; weights, images and noise
are computed by `noise` on both sides.

    METHOD_loss               `clean`, `adversarial` [rows, classes]: logits, some of them far apart; `loss` [rows]: of each example;
                              `clean_gradient`, `adversarial_gradient`: of the sum of the losses; `weight` [1]: of the method's second term
    METHOD_plain, _normalized  of some steps of SGD on one batch of 40 images: `losses` [steps], `P` for each weight and statistic after them
    weight_perturbation       `P` for each weight of the plain network: what the authors of AWP add to it
                              (github.com/csdongxian/AWP, utils_awp.py)
"""

import copy
import functools
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
SHAPE = (BATCH, SIDE, SIDE, 1)
EPSILON, STEP_SIZE, ATTACK_STEPS, BETA = 0.2, 0.06, 4, 6.0


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


def attack(model, images, start, loss, steps=ATTACK_STEPS, size=STEP_SIZE, radius=EPSILON):
    """Steps along the sign of the gradient of `loss(logits, logits of the clean images)`, with the running statistics of batch norm."""
    model.eval()
    with torch.no_grad():
        clean = model(images)
    x = images + start
    for _ in range(steps):
        x.requires_grad_()
        gradient, = torch.autograd.grad(loss(model(x), clean).sum(), [x])
        x = x.detach() + size * gradient.sign()
        x = torch.min(torch.max(x, images - radius), images + radius).clamp(0, 1)
    model.train()
    return x


def batch():
    images = channels_first(noise(1_000, BATCH * SIDE * SIDE).reshape(SHAPE).astype(np.float64))
    return images, torch.tensor([(7 * i + 3) % CLASSES for i in range(BATCH)])


def starts(step, size):
    """size · signed_noise(500 + step), in the order of Temper's images."""
    return channels_first(size * signed_noise(500 + step, BATCH * SIDE * SIDE).reshape(SHAPE).astype(np.float64))


def mean_cross_entropy(model, x, labels):
    return F.cross_entropy(model(x), labels)


def trades(model, images, labels, step, first=0):
    x = attack(model, images, starts(first + step, 0.001), lambda adversarial, clean: divergence(clean, adversarial))
    return lambda model: losses(model(images), model(x), labels).mean()


def fast(model, images, labels, step):
    """Fast-AT (github.com/locuslab/fast_adversarial, MNIST/train_mnist.py)."""
    start = starts(step, EPSILON)
    x = attack(model, images, start, lambda z, _: F.cross_entropy(z, labels, reduction="sum"), 1, 1.25 * EPSILON)
    return lambda model: mean_cross_entropy(model, x, labels)


def nfgsm(model, images, labels, step):
    """github.com/pdejorge/N-FGSM, train.py, without its clip."""
    start = (images + starts(step, 2 * EPSILON)).clamp(0, 1) - images
    x = attack(model, images, start, lambda z, _: F.cross_entropy(z, labels, reduction="sum"), 1, EPSILON, np.inf)
    return lambda model: mean_cross_entropy(model, x, labels)


def mart_losses(clean, adversarial, labels, beta=5.0):
    """`mart_loss` of github.com/YisenWang/MART, mart.py, of each example."""
    q = F.softmax(adversarial, dim=1)
    order = torch.argsort(q, dim=1)
    rival = torch.where(order[:, -1] == labels, order[:, -2], order[:, -1])
    boosted = F.cross_entropy(adversarial, labels, reduction="none") + F.nll_loss(
        torch.log(1.0001 - q + 1e-12), rival, reduction="none")
    p = F.softmax(clean, dim=1)
    true = torch.gather(p, 1, labels.unsqueeze(1)).squeeze(1)
    moved = F.kl_div(torch.log(q + 1e-12), p, reduction="none").sum(1)
    return boosted + beta * moved * (1.0000001 - true)


def mart(model, images, labels, step):
    x = attack(model, images, starts(step, 0.001), lambda z, _: F.cross_entropy(z, labels, reduction="none"))
    return lambda model: mart_losses(model(images), model(x), labels).mean()


def alp_losses(clean, adversarial, labels, weight=0.5):
    """train.py of github.com/tensorflow/models, research/adversarial_logit_pairing, of each example."""
    both = F.cross_entropy(clean, labels, reduction="none") + F.cross_entropy(adversarial, labels, reduction="none")
    return both / 2 + weight * ((clean - adversarial) ** 2).mean(1)


def pgd_start(images, step):
    return (images + starts(step, EPSILON)).clamp(0, 1) - images


def alp(model, images, labels, step):
    x = attack(model, images, pgd_start(images, step), lambda z, _: F.cross_entropy(z, labels, reduction="none"))
    return lambda model: alp_losses(model(images), model(x), labels).mean()


def pgd(model, images, labels, step):
    x = attack(model, images, pgd_start(images, step), lambda z, _: F.cross_entropy(z, labels, reduction="none"))
    return lambda model: mean_cross_entropy(model, x, labels)


def updated(model, optimizer, closure):
    optimizer.zero_grad()
    loss = closure(model)
    loss.backward()
    optimizer.step()
    return loss.item()


def weight_changes(model, moved, gamma):
    """`diff_in_weights` of github.com/csdongxian/AWP, utils_awp.py, times gamma."""
    changes = []
    for weight, other in zip(model.parameters(), moved):
        change = other - weight.detach()
        changes.append(gamma * weight.detach().norm() / (change.norm() + 1e-20) * change if weight.dim() > 1 else torch.zeros_like(weight))
    return changes


def perturbed(base, gamma):
    """A step of AWP: the proxy is a copy of the model, moved by a step of SGD that raises the loss."""

    def step(model, optimizer, images, labels, number):
        closure = base(model, images, labels, number)
        proxy = copy.deepcopy(model)
        proxy.zero_grad()
        (-closure(proxy)).backward()
        changes = weight_changes(model, [p.detach() - 0.01 * p.grad for p in proxy.parameters()], gamma)
        with torch.no_grad():
            for weight, change in zip(model.parameters(), changes):
                weight.add_(change)
        loss = updated(model, optimizer, closure)
        with torch.no_grad():
            for weight, change in zip(model.parameters(), changes):
                weight.sub_(change)
        return loss

    return step


def free_step():
    """main_free.py of github.com/mahyarnajibi/FreeAdversarialTraining, for replays of one batch; the step is epsilon."""
    delta = torch.zeros(BATCH, 1, SIDE, SIDE, dtype=torch.float64)

    def step(model, optimizer, images, labels, number):
        nonlocal delta
        noise = delta.clone().requires_grad_()
        loss = updated(model, optimizer, lambda model: mean_cross_entropy(model, (images + noise).clamp(0, 1), labels))
        delta = (delta + EPSILON * noise.grad.sign()).clamp(-EPSILON, EPSILON)
        return loss

    return step


def input_gradient(model, x, labels, create_graph):
    """The gradient at the images of the sum of the losses, and the losses' mean, from one pass."""
    x = x.clone().requires_grad_()
    loss = F.cross_entropy(model(x), labels, reduction="sum")
    return torch.autograd.grad(loss, x, create_graph=create_graph)[0], loss / len(labels)


def gradalign(model, images, labels, step, weight=0.2):
    """github.com/tml-epfl/understanding-fast-adv-training, train.py, with attack_init zero and fgsm_alpha 1; the passes in Temper's order."""
    x = attack(model, images, torch.zeros_like(images), lambda z, _: F.cross_entropy(z, labels, reduction="sum"), 1, EPSILON)

    def loss(model):
        plain = mean_cross_entropy(model, x, labels)
        clean, _ = input_gradient(model, images, labels, False)
        noisy, _ = input_gradient(model, images + starts(step + 100, EPSILON), labels, True)
        return plain + weight * (1 - F.cosine_similarity(clean.detach().flatten(1), noisy.flatten(1)).mean())

    return loss


def squared_gradient(model, images, labels, step, weight=0.5):
    """Ross and Doshi-Velez 2018, equation 5, with the cross-entropy of the label."""

    def loss(model):
        gradient, plain = input_gradient(model, images, labels, True)
        return plain + weight * (gradient ** 2).sum() / len(labels)

    return loss


def plain_step(method):
    return lambda model, optimizer, images, labels, number: updated(model, optimizer, method(model, images, labels, number))


def trained(model, step, steps):
    """So many steps of SGD on one batch."""
    model.double()
    set_weights(model)
    images, labels = batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, weight_decay=5e-4)
    model.train()
    told = [step(model, optimizer, images, labels, number) for number in range(steps)]
    weights = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    return {"losses": told, **weights}


def loss_values(losses, weight):
    scales = np.repeat([1.0, 5.0, 30.0, 300.0], 3)[:, None]
    clean = torch.tensor(scales * signed_noise(10, 60).reshape(12, 5), dtype=torch.float64, requires_grad=True)
    adversarial = torch.tensor(scales[::-1].copy() * signed_noise(11, 60).reshape(12, 5), dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([i % 5 for i in range(12)])
    loss = losses(clean, adversarial, labels)
    loss.sum().backward()
    return {
        "clean": clean, "adversarial": adversarial, "loss": loss, "clean_gradient": clean.grad, "adversarial_gradient": adversarial.grad,
        "weight": [weight],
    }


def perturbation():
    """With gamma 0.01, along the direction signed_noise(200 + i)."""
    model = plain().double()
    set_weights(model)
    moved = [
        weight.detach() + torch.from_numpy(signed_noise(200 + index, weight.numel()).astype(np.float64)).view(weight.shape)
        for index, weight in enumerate(model.parameters())
    ]
    return dict(zip([name for name, _ in model.named_parameters()], weight_changes(model, moved, 0.01)))


def save(folder, name, values):
    arrays = {key: np.ascontiguousarray(torch.as_tensor(value).detach().numpy().astype(np.float32)) for key, value in values.items()}
    assert all(np.isfinite(array).all() for array in arrays.values()), name
    save_file(arrays, folder / f"{name}.safetensors", {"made_by": json.dumps(f"methods.py with PyTorch {torch.__version__.split('+')[0]}")})


if __name__ == "__main__":
    default = pathlib.Path(__file__).parent.parent / "TrainingTests" / "Fixtures" / "methods"
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, "trades_loss", loss_values(losses, BETA))
    save(folder, "mart_loss", loss_values(mart_losses, 5.0))
    save(folder, "alp_loss", loss_values(alp_losses, 0.5))
    methods = {
        "trades": (lambda: plain_step(trades), 5), "fast": (lambda: plain_step(fast), 3), "nfgsm": (lambda: plain_step(nfgsm), 3),
        "mart": (lambda: plain_step(mart), 3), "alp": (lambda: plain_step(alp), 3), "free": (free_step, 3),
        "awp": (lambda: perturbed(pgd, 0.01), 3),
        # From other noise: with that of the others single precision, PyTorch's own too, has another sign of a gradient near zero.
        "awp_trades": (lambda: perturbed(functools.partial(trades, first=60), 0.005), 3),
        "gradalign": (lambda: plain_step(gradalign), 3), "input_gradient": (lambda: plain_step(squared_gradient), 3),
    }
    for name, (step, steps) in methods.items():
        save(folder, f"{name}_plain", trained(plain(), step(), steps))
        save(folder, f"{name}_normalized", trained(normalized(), step(), steps))
    save(folder, "weight_perturbation", perturbation())
