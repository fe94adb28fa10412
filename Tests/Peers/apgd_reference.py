"""Prints what the authors' Auto-PGD makes of a small network, for Tests/AttacksTests/APGDReferenceTests.swift and LogitRatioTests.swift.

    pip install torch git+https://github.com/fra31/auto-attack && python Tests/Peers/apgd_reference.py

Their code is used as it is; the starts are given to it, so that no random number is drawn. First the losses with their gradients by the
logits, then, for each loss and norm, the point of the highest loss after 100 iterations in L∞ and 20 in L2 and L1, and that loss.
(In L2 rounding grows: a start that is 1e-7 elsewhere moves the authors' point after 100 iterations by up to 3e-4.)
"""
import math

import torch
from autoattack.autopgd_base import APGDAttack, APGDAttack_targeted

PIXELS, HIDDEN, CLASSES, IMAGES = 6, 8, 5, 4
torch.set_num_threads(1)


def table(rows, columns, value):
    return torch.tensor([[value(r, c) for c in range(columns)] for r in range(rows)], dtype=torch.float32)


FIRST = table(HIDDEN, PIXELS, lambda h, p: 1.5 * math.sin(1 + 2.3 * h + 1.7 * p))
BIAS = torch.tensor([0.3 * math.sin(2 + 1.9 * h) for h in range(HIDDEN)], dtype=torch.float32)
SECOND = table(CLASSES, HIDDEN, lambda k, h: 1.5 * math.sin(4 + 3.1 * k + 1.3 * h))


class Small(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x.flatten(1) @ FIRST.T + BIAS) @ SECOND.T


def show(name, values):
    print(f"{name}: " + ", ".join(f"{v:.6g}" for v in values.flatten().tolist()))


def losses(model):
    untargeted = APGDAttack(model, eps=0.1, loss="dlr", device="cpu")
    targeted = APGDAttack_targeted(model, eps=0.1, device="cpu")
    logits = table(4, 5, lambda n, k: 4 * math.sin(1 + 1.7 * n + 2.9 * k * k)).requires_grad_()
    labels = torch.tensor([0, 3, 2, 4])
    targeted.y_target = torch.tensor([1, 0, 4, 2])
    show("logits", logits)
    for name, loss in (("dlr", untargeted.dlr_loss), ("targeted dlr", targeted.dlr_loss_targeted)):
        values = loss(logits, labels)
        (slope,) = torch.autograd.grad(values.sum(), logits)
        show(name, values)
        show(name + " gradient", slope)


def searches(model):
    images = table(IMAGES, PIXELS, lambda n, p: 0.5 + 0.45 * math.sin(3 + 1.1 * n + 2.9 * p))
    images = images.reshape(IMAGES, 1, 2, 3)
    shift = table(IMAGES, PIXELS, lambda n, p: math.sin(0.7 + 1.3 * n + 2.1 * p)).reshape(images.shape)
    with torch.no_grad():
        logits = model(images)
    labels = logits.argmax(1)
    print("labels", labels.tolist())
    for norm, epsilon, iterations in (("Linf", 0.1, 100), ("L2", 0.3, 20)):
        start = images + epsilon * shift / (1 if norm == "Linf" else shift.flatten(1).norm(dim=1).view(-1, 1, 1, 1))
        for loss in ("ce", "dlr", "dlr-targeted"):
            make = APGDAttack_targeted if loss == "dlr-targeted" else lambda *a, **k: APGDAttack(*a, loss=loss, **k)
            attack = make(model, norm=norm, eps=epsilon, n_iter=iterations, device="cpu")
            attack.init_hyperparam(images)
            attack.y_target = logits.sort(dim=1)[1][:, -2]
            best, _, reached, _ = attack.attack_single_run(images, labels, x_init=start)
            show(f"{norm} {loss}", best)
            show("  loss", reached)


def searches_in_l1(model):
    """In L1 a search has three stages, in balls of three, two and one epsilon; its first point is noise, here the one of the other norms."""
    images = table(IMAGES, PIXELS, lambda n, p: 0.5 + 0.45 * math.sin(3 + 1.1 * n + 2.9 * p)).reshape(IMAGES, 1, 2, 3)
    shift = table(IMAGES, PIXELS, lambda n, p: math.sin(0.7 + 1.3 * n + 2.1 * p)).reshape(images.shape)
    with torch.no_grad():
        logits = model(images)
    epsilon, stages = 0.5, (6, 6, 8)
    torch.randn_like = lambda _: shift
    for loss in ("ce", "dlr", "dlr-targeted"):
        make = APGDAttack_targeted if loss == "dlr-targeted" else lambda *a, **k: APGDAttack(*a, loss=loss, **k)
        attack = make(model, norm="L1", eps=epsilon, n_iter=sum(stages), device="cpu", use_largereps=True)
        attack.init_hyperparam(images)
        attack.y_target = logits.sort(dim=1)[1][:, -2]
        best, _, reached, _ = attack.decr_eps_pgd(images, logits.argmax(1), [3 * epsilon, 2 * epsilon, epsilon], stages)
        show(f"L1 {loss}", best)
        show("  loss", reached)


losses(Small())
searches(Small())
searches_in_l1(Small())
