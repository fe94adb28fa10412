"""The times of AutoAttack in Temper and in public code, in turn in one run; `autoattack_compare.py --speed` calls it.

All attack the same images with the same weights and threads in fp32. The peers are the authors' code; torchattacks, where it is installed and
has the norm; and the fastest parts of several, where adv-lib is installed: its Auto-PGD and FAB, then the authors' Square. Each peer gets the
batch size at which this network computes fastest here. Temper runs once before each peer, and the median of its times counts.

Two times are given for Temper: of the attack alone, as its report has it, and of the whole `temper run`, with loading, clean accuracy and
the diagnostics. The peers' time is that of the attack alone, without the start of Python. `passes` are the examples that went through
the network, with and without a gradient. What is left right is given beside the times, since a weaker attack is a faster one.
"""

import importlib.util
import json
import os
import platform
import statistics
import sys
import tempfile
import time

import torch
from torch import nn

import autoattack_networks
from autoattack_compare import NORMS, run_authors, run_temper, settings
from load_checkpoint import dataset
from temper_network import load

BATCHES = [64, 125, 250, 500, 1000]


class Counted(nn.Module):
    """A network, counting the examples of its calls."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.gradients = self.forwards = 0

    def forward(self, x):
        if torch.is_grad_enabled() and x.requires_grad:
            self.gradients += len(x)
        else:
            self.forwards += len(x)
        return self.model(x)


def fastest_batch(model, images):
    """The batch size of the most input gradients a second."""
    def seconds(size):
        parts = [part.clone().requires_grad_() for part in images.split(size) if len(part) == size]
        times = []
        for _ in range(4):
            began = time.perf_counter()
            for part in parts:
                torch.autograd.grad(model(part).logsumexp(1).sum(), part)
            times.append((time.perf_counter() - began) / (size * len(parts)))
        return min(times[1:])

    return min((size for size in BATCHES if size <= len(images)), key=seconds, default=len(images))


def in_turn(model, images, labels, batch, attacks):
    """Several attacks one after the other, each on what those before it left right."""
    right = torch.cat([model(part).detach() for part in images.split(batch)]).argmax(1) == labels
    seconds = {}
    for name, attack in attacks.items():
        began = time.perf_counter()
        for rows in right.nonzero().flatten().split(batch) if right.any() else []:
            found = attack(images[rows], labels[rows])
            with torch.no_grad():
                right[rows] = model(found).argmax(1) == labels[rows]
        seconds[name] = time.perf_counter() - began
    return right, seconds


def adv_lib_parts(make, model, norm, epsilon):
    """Auto-PGD and FAB of adv-lib with the numbers of the authors' version `standard`, and the authors' Square."""
    from adv_lib.attacks.auto_pgd import apgd, apgd_targeted
    from adv_lib.attacks.fast_adaptive_boundary import fab

    power = {"linf": float("inf"), "l2": 2, "l1": 1}[norm]
    restarts, targets = (5, 5) if norm == "l1" else (1, 9)
    large = {"use_large_reps": norm == "l1"}
    adversary = make(model, norm=NORMS[norm], eps=epsilon, seed=0, version="standard", device="cpu")

    def nearest(x, y):
        found = fab(model, x, y, power, n_iter=100, restarts=9, targeted_restarts=True)
        moved = (found - x).flatten(1).norm(power, dim=1)
        return torch.where((moved <= epsilon).view(-1, 1, 1, 1), found, x)

    return {
        "apgd_ce": lambda x, y: apgd(model, x, y, epsilon, power, loss_function="ce", n_restarts=restarts, **large),
        "apgd_t": lambda x, y: apgd_targeted(model, x, y, epsilon, power, num_targets=targets, **large),
        "fab_t": nearest,
        "square": adversary.square.perturb,
    }


def peers(make, norm, epsilon):
    """Each peer by name: a function of the network, images, labels and batch size that gives what is left right, and seconds by part."""
    def authors(model, images, labels, batch):
        found = run_authors(make, model, images, labels, norm, epsilon, "autoattack", 0, batch)
        ends = {name: part["total_seconds"] for name, part in found["parts"].items()}
        starts = dict(zip(ends, [0, *ends.values()]))
        return found["robust_accuracy"], {name: end - starts[name] for name, end in ends.items()}

    def advlib(model, images, labels, batch):
        right, seconds = in_turn(model, images, labels, batch, adv_lib_parts(make, model, norm, epsilon))
        return right.float().mean().item(), seconds

    def torchattacks(model, images, labels, batch):
        from torchattacks import APGD, APGDT, FAB, Square

        # Its own AutoAttack takes 10 steps where the authors' takes 100.
        common = {"norm": NORMS[norm], "eps": epsilon, "seed": 0, "n_restarts": 1}
        right, seconds = in_turn(model, images, labels, batch, {
            "apgd_ce": APGD(model, steps=100, loss="ce", **common), "apgd_t": APGDT(model, steps=100, n_classes=10, **common),
            "fab_t": FAB(model, steps=100, multi_targeted=True, n_classes=10, **common),
            "square": Square(model, n_queries=5000, resc_schedule=False, **common)})
        return right.float().mean().item(), seconds

    found = {"the authors' code": authors}
    if importlib.util.find_spec("adv_lib"):
        found["adv-lib, and the authors' Square"] = advlib
    if importlib.util.find_spec("torchattacks") and norm != "l1":
        found["torchattacks"] = torchattacks
    return found


def processor():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith(("model name", "flags"))]
    sets = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in names[1].split()]
    return f"{names[0]} ({', '.join(sets)})"


def measure(options, make):
    network, norm = options.network[0], options.norms[0]
    checkpoint = autoattack_networks.checkpoint(network, options.temper, options.data, options.out, options.threads)
    epsilon = autoattack_networks.epsilon(network, norm)
    images, labels = (part[:options.images] for part in dataset(options.data, "test"))
    model, _ = load(checkpoint)
    # Spares the peers the gradients of the weights.
    model.requires_grad_(False)
    batch = fastest_batch(model, images)
    ours, jobs, theirs = [], [], {}
    load_before = os.getloadavg()[0]
    for _ in range(options.rounds):
        for name, attack in peers(make, norm, epsilon).items():
            with tempfile.TemporaryDirectory() as out:
                rows, seconds = run_temper(
                    options.temper, checkpoint, images, labels, {"norm": norm, "epsilon": epsilon}, [settings("autoattack", norm)], out,
                    options.threads)
            ours.append(rows[0])
            jobs.append(seconds)
            print(f"Temper: {rows[0]['seconds']:.2f} s, the job {seconds:.2f} s", file=sys.stderr, flush=True)
            counted = Counted(model).eval()
            began = time.perf_counter()
            right, parts = attack(counted, images, labels, batch)
            run = {"seconds": time.perf_counter() - began, "robust_accuracy": right, "parts": parts,
                   "passes": {"gradients": counted.gradients, "forwards": counted.forwards}}
            theirs.setdefault(name, []).append(run)
            print(f"{name}: {run['seconds']:.2f} s", file=sys.stderr, flush=True)
    attack_seconds, job_seconds = statistics.median(row["seconds"] for row in ours), statistics.median(jobs)
    result = {
        "network": network, "norm": norm, "epsilon": epsilon, "images": len(images), "threads": options.threads, "batch": batch,
        "processor": processor(), "torch": torch.__version__, "python": platform.python_version(),
        "load_average": [load_before, os.getloadavg()[0]],
        "temper": {
            "attack_seconds": attack_seconds, "job_seconds": job_seconds, "robust_accuracy": ours[0]["robust_accuracy"]["value"],
            "parts": {part["label"]: part["seconds"] for part in ours[0]["parts"]},
            "passes": {"gradients": ours[0]["gradient_evaluations"], "forwards": ours[0]["forward_passes"]},
            "attack_runs": [row["seconds"] for row in ours], "job_runs": jobs},
        "peers": {}}
    for name, runs in theirs.items():
        seconds = statistics.median(run["seconds"] for run in runs)
        result["peers"][name] = runs[0] | {
            "seconds": seconds, "times_temper_attack": seconds / attack_seconds, "times_temper_job": seconds / job_seconds,
            "runs": [run["seconds"] for run in runs]}
    name = f"speed-{network}-{norm}.json"
    (options.out / name).write_text(json.dumps(result, indent=2))
    print(json.dumps(result, indent=2))
    print(markdown(result))


def markdown(result):
    ours = result["temper"]
    lines = [f"`{result['network']}`, {result['norm']} {result['epsilon']:g}, {result['images']} images, {result['threads']} threads, "
             + f"fp32, {result['processor']}", "",
             "| | seconds | times Temper's attack | times Temper's whole job | left right | gradients | forwards |",
             "| --- | --- | --- | --- | --- | --- | --- |"]

    def row(name, seconds, ratios, accuracy, passes):
        lines.append(f"| {name} | {seconds} | {' | '.join(ratios)} | {100 * accuracy:.1f} | {passes['gradients']:,} | {passes['forwards']:,} |")

    row("Temper", f"{ours['attack_seconds']:.2f}, the job {ours['job_seconds']:.2f}", ("1", "1"), ours["robust_accuracy"], ours["passes"])
    for name, run in result["peers"].items():
        ratios = (f"{run['times_temper_attack']:.1f}", f"{run['times_temper_job']:.1f}")
        row(name, f"{run['seconds']:.2f}", ratios, run["robust_accuracy"], run["passes"])
    return "\n".join(lines)
