"""Attacks a network with Temper and with public code, the same weights, images and numbers.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors foolbox pyautoattack
    venv/bin/python Tests/Peers/attacks_compare.py FILE --data mnist/ --attack square --images 200 --queries 1000 --epsilon 0.3
    venv/bin/python Tests/Peers/attacks_compare.py --train pgd --data mnist/ --attack cw --norm l2 --epsilon 2 --out folder

FILE is a checkpoint of Temper. Instead of it --train standard, fgsm or pgd trains a small network first and leaves its checkpoint in
--out. deepfool and cw are foolbox's, all others the authors' code (AutoAttack), run once for each of --seeds. Prints JSON: of deepfool and
cw the median distances over the images that are right, of the others the robust accuracies, and the seconds that each took.
"""

import argparse
import json
import pathlib
import tempfile
import time

import foolbox
import torch
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted
from pyautoattack.fab_pt import FABAttack_PT
from pyautoattack.square import SquareAttack

import temper_job
from load_checkpoint import dataset
from temper_network import accuracy, load


# The fields of each attack that both sides have.
FIELDS = {"apgd_ce": ["steps"], "apgd_dlr": ["steps"], "apgd_t": ["steps", "targets"], "square": ["queries"], "fab_t": ["steps", "targets"],
          "deepfool": ["steps"], "cw": ["steps", "binary_search_steps"]}


def settings(options):
    """The attack as Temper's spec has it."""
    given = {name: getattr(options, name) for name in FIELDS[options.attack]}
    return {"name": options.attack} | {name: value for name, value in given.items() if value is not None}


def authors(model, images, labels, options, seed):
    """Robust accuracy among `images` under the authors' attack."""
    common = {"eps": options.epsilon, "norm": {"linf": "Linf", "l2": "L2"}[options.norm], "seed": seed, "device": "cpu"}
    steps, targets = options.steps or 100, options.targets or 9
    if options.attack == "square":
        attack = SquareAttack(model, n_queries=options.queries or 5000, resc_schedule=False, **common)
    elif options.attack == "fab_t":
        attack = FABAttack_PT(model, n_iter=steps, targeted=True, n_target_classes=targets, **common)
    elif options.attack == "apgd_t":
        attack = APGDAttack_targeted(model, n_iter=steps, n_target_classes=targets, **common)
    else:
        attack = APGDAttack(model, n_iter=steps, loss=options.attack.removeprefix("apgd_"), **common)
    return accuracy(model, attack.perturb(images, labels), labels)


def distances(model, images, labels, options):
    """Distances that foolbox's attack finds."""
    if options.attack == "cw":
        attack = foolbox.attacks.L2CarliniWagnerAttack(steps=options.steps or 1000, binary_search_steps=options.binary_search_steps or 9)
    else:
        kind = {"linf": foolbox.attacks.LinfDeepFoolAttack, "l2": foolbox.attacks.L2DeepFoolAttack}[options.norm]
        attack = kind(steps=options.steps or 50)
    found, _, success = attack(foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu"), images, labels, epsilons=None)
    # Where C&W finds nothing, foolbox returns a black image, which the network may well take for another class.
    success = success & (found.flatten(1).abs().amax(1) > 0)
    moved = (found - images).flatten(1)[success]
    return moved.abs().amax(1) if options.norm == "linf" else moved.norm(dim=1)


def compared(model, images, labels, ours, options):
    with torch.no_grad():
        right = model(images).argmax(1) == labels
    x, y = images[right], labels[right]
    began = time.perf_counter()
    if options.attack not in ("deepfool", "cw"):
        runs = [authors(model, x, y, options, seed) * len(x) / len(images) for seed in range(options.seeds)]
        return {"temper": ours["robust_accuracy"]["value"], "authors": runs, "temper_seconds": ours["seconds"],
                "authors_seconds": (time.perf_counter() - began) / options.seeds}
    found = distances(model, x, y, options)
    # Not torch.median, which is the lower of the two in the middle.
    return {"temper": ours["median_distance"], "foolbox": found.quantile(0.5).item(), "temper_mean": ours["mean_distance"],
            "foolbox_mean": found.mean().item(), "right": len(x), "foolbox_found": len(found), "temper_seconds": ours["seconds"],
            "foolbox_seconds": time.perf_counter() - began}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", nargs="?")
    parser.add_argument("--train", choices=temper_job.TRAINING)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--attack", choices=FIELDS, required=True)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--norm", choices=["linf", "l2"], default="linf")
    parser.add_argument("--epsilon", type=float, default=0.3)
    for number in ("queries", "steps", "targets", "binary-search-steps"):
        parser.add_argument(f"--{number}", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--out", help="where to leave what Temper writes")
    options = parser.parse_args()
    if (options.checkpoint is None) == (options.train is None):
        parser.error("give either a checkpoint or --train")
    torch.set_num_threads(options.threads)
    out = options.out or tempfile.mkdtemp(prefix="attacks-")
    pathlib.Path(out).mkdir(parents=True, exist_ok=True)
    threat = {"norm": options.norm, "epsilon": options.epsilon}
    checkpoint = options.checkpoint or temper_job.trained(options.temper, options.train, options.data, threat, out, options.threads)
    images, labels = (part[:options.images] for part in dataset(options.data, "test"))
    model, _ = load(checkpoint)
    attack = settings(options)
    ours = temper_job.attacked(options.temper, checkpoint, images, labels, threat, [attack], out, options.threads)[0]
    result = {"attack": attack, "images": len(images), "clean_accuracy": accuracy(model, images, labels)} | threat
    print(json.dumps(result | compared(model, images, labels, ours, options), indent=2))


if __name__ == "__main__":
    main()
