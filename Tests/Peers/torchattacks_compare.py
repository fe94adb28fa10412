"""Attacks a Temper checkpoint with torchattacks from given starts, so that Temper's own attack can be held against it.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors scipy requests torchvision torchattacks
    venv/bin/python Tests/Peers/torchattacks_compare.py last.safetensors starts.safetensors --norm linf --epsilon 0.3 --steps 40

starts.safetensors holds, all float32:

    images [n, h, w, c]   the clean images, in [0, 1]
    labels [n]            the true classes, as whole numbers
    start  [n, h, w, c]   the perturbation that each image's attack begins with, at most epsilon in the norm

The steps are torchattacks' own code, unchanged. Its random start is a sum of the images and a draw from the generator; for the time of
an attack the draw is replaced by `start`, and nothing else. (Its L2 start scales a normal draw to a uniform radius: there `start` stands
for the draw, and its own length for the radius.)

torchattacks returns the last iterate, and Temper counts an example as misclassified when any iterate fools the model. So both are printed:
`robust_accuracy` of the last iterates, and `robust_accuracy_any_iterate`, for which the model's predictions were watched during the
attack. Compare the second with Temper's.
"""

import argparse
import contextlib
import json

import torch
import torchattacks
from safetensors.torch import load_file
from torch import nn

from temper_network import accuracy, channels_first, load

torch.set_num_threads(1)


class Watched(nn.Module):
    """The model, taking note of which examples of the present batch were predicted wrong in any call."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.labels = None
        self.misclassified = None

    def watch(self, labels):
        self.labels = labels
        self.misclassified = torch.zeros(len(labels), dtype=torch.bool)

    def forward(self, x):
        logits = self.model(x)
        if self.labels is not None:
            self.misclassified |= logits.detach().argmax(1) != self.labels
        return logits


@contextlib.contextmanager
def drawing(start, norm, epsilon):
    """Lets torchattacks draw `start` as its random start."""
    uniform, normal = torch.Tensor.uniform_, torch.Tensor.normal_

    def given_uniform(tensor, *_):
        if norm == "linf":
            return tensor.copy_(start)
        return tensor.copy_(start.flatten(1).norm(dim=1).view(tensor.shape) / epsilon)

    def given_normal(tensor, *_):
        # A start of no length has no direction; any will do, since its radius is 0.
        resting = start.flatten(1).norm(dim=1).view(-1, 1, 1, 1) == 0
        return tensor.copy_(torch.where(resting, torch.ones_like(start), start))

    torch.Tensor.uniform_, torch.Tensor.normal_ = given_uniform, given_normal
    try:
        yield
    finally:
        torch.Tensor.uniform_, torch.Tensor.normal_ = uniform, normal


def attacked(watched, make, images, labels, start, norm, epsilon, batch):
    """Robust accuracy by the last iterate and by any, and how far the adversarial images lie from the clean ones at most."""
    held_last, held_any, farthest = 0, 0, 0.0
    for x, y, d in zip(images.split(batch), labels.split(batch), start.split(batch)):
        watched.watch(y)
        with drawing(d, norm, epsilon):
            adversarial = make(watched)(x, y)
        with torch.no_grad():
            held_last += (watched(adversarial).argmax(1) == y).sum().item()
        held_any += (~watched.misclassified).sum().item()
        delta = (adversarial - x).flatten(1)
        farthest = max(farthest, (delta.abs().amax() if norm == "linf" else delta.norm(dim=1).amax()).item())
    count = len(images)
    return {"robust_accuracy": held_last / count, "robust_accuracy_any_iterate": held_any / count, "largest_perturbation": farthest}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("starts")
    parser.add_argument("--norm", choices=["linf", "l2"], default="linf")
    parser.add_argument("--epsilon", type=float, required=True)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--step-size", type=float, help="default: 2.5 epsilon / steps")
    parser.add_argument("--batch", type=int, default=250)
    arguments = parser.parse_args()
    norm, epsilon, steps = arguments.norm, arguments.epsilon, arguments.steps
    alpha = arguments.step_size or 2.5 * epsilon / steps

    model, _ = load(arguments.checkpoint)
    data = load_file(arguments.starts)
    images, start, labels = channels_first(data["images"]), channels_first(data["start"]), data["labels"].long()
    if images.dim() != 4 or images.shape != start.shape or labels.shape != images.shape[:1]:
        raise SystemExit(f"images {tuple(images.shape)}, start {tuple(start.shape)} and labels {tuple(labels.shape)} do not belong together")

    if norm == "linf":
        fgsm = lambda m: torchattacks.FGSM(m, eps=epsilon)
        pgd = lambda m: torchattacks.PGD(m, eps=epsilon, alpha=alpha, steps=steps, random_start=True)
    else:
        fgsm = lambda m: torchattacks.PGDL2(m, eps=epsilon, alpha=epsilon, steps=1, random_start=False)
        pgd = lambda m: torchattacks.PGDL2(m, eps=epsilon, alpha=alpha, steps=steps, random_start=True)
    watched = Watched(model).eval()
    run = lambda make: attacked(watched, make, images, labels, start, norm, epsilon, arguments.batch)
    print(json.dumps({
        "images": len(images), "norm": norm, "epsilon": epsilon, "steps": steps, "step_size": alpha,
        "clean_accuracy": accuracy(model, images, labels), "fgsm": run(fgsm), "pgd": run(pgd),
    }, indent=2))


if __name__ == "__main__":
    main()
