#!/usr/bin/env python3
"""Holds Temper's speed and memory against PyTorch's: the same work, the same machine, one run.

Sets PyTorch up in a virtual environment under .build/peers when it is not there, then, row by row, runs PyTorch in each of its settings
(eager or compiled, channels last or not), each in a process of its own, and then its best setting in turn with `temper bench`.

Environment: WORK=madry,preact picks rows by the beginning of their names; THREADS (2), STEPS (3), LIMIT (120 s, for one setting); ROUNDS (3, of the best
setting and Temper in turn, whose middle counts);
PEER_PYTHON is a Python that has PyTorch already; JSON=FILE keeps every figure.
"""
import itertools
import json
import os
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = ROOT / ".build" / "peers"
SCRIPT = pathlib.Path(__file__).with_name("pgd_training.py")
TEMPER = ROOT / ".build" / "release" / "temper"
THREADS = os.environ.get("THREADS", "2")
STEPS = os.environ.get("STEPS", "3")
LIMIT = os.environ.get("LIMIT", "120")
ROUNDS = int(os.environ.get("ROUNDS", "3"))

MADRY = ["--architecture", "madry_cnn", "--image", "28,28,1", "--batch-size", "128", "--attack-steps", "40"]
PREACT = ["--architecture", "preact_resnet18", "--image", "32,32,3", "--batch-size", "128", "--attack-steps", "10"]
MOBILENET = ["--architecture", "mobilenet_v2", "--image", "224,224,3", "--classes", "1000", "--batch-size", "16", "--attack-steps", "3"]
MLP = ["--architecture", "mlp", "--image", "28,28,1", "--batch-size", "128", "--attack-steps", "40"]

# name, arguments, Temper's precision, whether PyTorch runs in bf16, the ratio of throughputs that is asked for
WORKS = [
    ("madry", MADRY, "fp32", False, 2.5),
    ("madry-bf16", MADRY, "bf16", True, 2.0),
    ("madry-mixed", MADRY, "mixed", False, 4.5),
    ("preact", PREACT, "fp32", False, 2.0),
    ("preact-bf16", PREACT, "bf16", True, 1.7),
    ("mobilenet", MOBILENET, "fp32", False, 2.0),
    ("mlp", MLP, "fp32", False, 2.8),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def python_with_torch():
    """The interpreter that has PyTorch; installs it the first time."""
    given = os.environ.get("PEER_PYTHON")
    if given:
        return given
    python = HOME / "bin" / "python"
    if subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0 if python.exists() else False:
        return python
    say("installing PyTorch under .build/peers")
    venv.create(HOME, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet"]
    # The build for processors alone is a tenth of the size; where its index is out of reach, the usual one does.
    small = ["--retries", "0", "--timeout", "15", "--index-url", "https://download.pytorch.org/whl/cpu", "torch"]
    if subprocess.run(pip + small, capture_output=True).returncode != 0:
        say("the index of PyTorch's CPU builds is out of reach: taking the usual build")
        subprocess.run(pip + ["torch"], check=True)
    return python


def has_bf16():
    """Whether the processor computes in bf16; PyTorch emulates it elsewhere, slower than fp32 by far."""
    try:
        flags = next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split()
    except (OSError, StopIteration):
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def measured(command, limit):
    """What a process prints as JSON; None, with a word, when it fails or takes longer than `limit` seconds."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None, f"took longer than {limit:.0f} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return None, lines[-1][:160] if lines else f"exit code {done.returncode}"
    return json.loads(done.stdout), None


def settings(bf16):
    for compiled, channels_last in itertools.product((False, True), repeat=2):
        words = ["bf16" if bf16 else "fp32", "compiled" if compiled else "eager"] + (["channels last"] if channels_last else [])
        flags = ["--bf16"] * bf16 + ["--compile"] * compiled + ["--channels-last"] * channels_last
        yield ", ".join(words), flags


def peer(python, arguments, bf16):
    """PyTorch in each of its settings: the figures by setting."""
    results = {}
    bounds = ["--threads", THREADS, "--steps", STEPS, "--seconds", LIMIT]
    for name, flags in settings(bf16):
        # A compiler takes its time, and a step that has begun is measured to its end.
        result, fault = measured([python, SCRIPT] + arguments + flags + bounds, 4 * float(LIMIT) + 300)
        if result:
            results[name] = result
            say(f"  PyTorch {name}: {result['examples_per_second']:.1f} examples/s, {result['peak_bytes'] / 1e6:.0f} MB")
        else:
            say(f"  PyTorch {name}: {fault}")
    return results


def compared(name, arguments, precision, bf16, wanted, python, peers):
    """One row, or None with a word on standard error: PyTorch's best setting once more, in turn with Temper, because a machine that is
    shared is not as fast at one time as at another."""
    bounds = ["--threads", THREADS, "--steps", STEPS, "--seconds", LIMIT]
    setting = max(peers, key=lambda key: peers[key]["examples_per_second"]) if peers else None
    flags = dict(settings(bf16)).get(setting, [])
    duels = []
    for _ in range(ROUNDS):
        ours, fault = measured([TEMPER, "bench"] + arguments + ["--precision", precision, "--json"] + bounds, 4 * float(LIMIT) + 300)
        if not ours:
            say(f"  Temper: {fault}")
            return None
        theirs = setting and measured([python, SCRIPT] + arguments + flags + bounds, 4 * float(LIMIT) + 300)[0]
        say(f"  Temper: {ours['examples_per_second']:.1f} examples/s, {ours['peak_bytes'] / 1e6:.0f} MB, "
            f"{100 * ours['ratio']:.0f} % of its ceiling" + (f"; PyTorch {theirs['examples_per_second']:.1f} examples/s" if theirs else ""))
        if theirs:
            duels.append((ours["examples_per_second"] / theirs["examples_per_second"], ours, theirs))
    if not duels:
        return None
    ratio, ours, theirs = sorted(duels, key=lambda duel: duel[0])[len(duels) // 2]
    return {
        "work": name, "precision": precision, "temper": ours, "peer_setting": setting, "peer": theirs, "peers": peers, "wanted": wanted,
        "ratio": ratio, "ratios": [duel[0] for duel in duels], "memory_ratio": ours["peak_bytes"] / theirs["peak_bytes"],
    }


def table(rows):
    lines = ["| work | Temper | PyTorch | its best setting | ratio | asked | ceiling reached | memory, Temper : PyTorch |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        ours, best = row["temper"], row["peer"]
        lines.append(
            f"| {row['work']} | {ours['examples_per_second']:.1f} /s | {best['examples_per_second']:.1f} /s | {row['peer_setting']} "
            f"| **{row['ratio']:.2f}** | {row['wanted']:.1f} | {100 * ours['ratio']:.0f} % "
            f"| {ours['peak_bytes'] / 1e6:.0f} : {best['peak_bytes'] / 1e6:.0f} MB = {row['memory_ratio']:.2f} |")
    return "\n".join(lines)


def main():
    chosen = [work for work in os.environ.get("WORK", "").split(",") if work]
    works = [work for work in WORKS if not chosen or any(work[0].startswith(name) for name in chosen)]
    if not works:
        sys.exit(f"WORK must name some of {', '.join(work[0] for work in WORKS)}")
    python = python_with_torch()
    rows, known = [], {}
    for name, arguments, precision, bf16, wanted in works:
        if precision != "fp32" and not has_bf16():
            say(f"{name}: left out, this processor does not compute in bf16")
            continue
        say(f"{name}: {' '.join(arguments)}, {precision}, {THREADS} threads")
        key = (tuple(arguments), bf16)
        if key not in known:
            known[key] = peer(python, arguments, bf16)
        row = compared(name, arguments, precision, bf16, wanted, python, known[key])
        if row:
            rows.append(row)
    print(table(rows))
    if os.environ.get("JSON"):
        pathlib.Path(os.environ["JSON"]).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
