#!/usr/bin/env python3
"""Compares Temper's speed and memory with those of PyTorch and TensorFlow: the same work, the same machine, one run.

Installs both in a virtual environment under .build/peers when they are missing. Then, row by row, it runs each of them in each of its
settings (PyTorch eager or compiled, channels last or not; TensorFlow as a graph or compiled by XLA), each in a process of its own, and at
last the fastest of all these in turn with `temper bench`. The ratio is therefore to the better of PyTorch and TensorFlow. Where pip has no
TensorFlow for this Python, the comparison is with PyTorch alone, and the rows say so.

Environment: WORK=madry,preact picks rows by the beginning of their names; THREADS (2), STEPS (3), LIMIT (120 s, for one setting); ROUNDS (3, of
the fastest setting and Temper in turn; the middle one counts);
PEER_PYTHON is a Python that has PyTorch, and perhaps TensorFlow, already; JSON=FILE keeps every figure.
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
TORCH = pathlib.Path(__file__).with_name("pgd_training.py")
TENSORFLOW = pathlib.Path(__file__).with_name("pgd_tensorflow.py")
TEMPER = ROOT / ".build" / "release" / "temper"
THREADS = os.environ.get("THREADS", "2")
STEPS = os.environ.get("STEPS", "3")
LIMIT = os.environ.get("LIMIT", "120")
ROUNDS = int(os.environ.get("ROUNDS", "3"))

MADRY = ["--architecture", "madry_cnn", "--image", "28,28,1", "--batch-size", "128", "--attack-steps", "40"]
PREACT = ["--architecture", "preact_resnet18", "--image", "32,32,3", "--batch-size", "128", "--attack-steps", "10"]
MOBILENET = ["--architecture", "mobilenet_v2", "--image", "224,224,3", "--classes", "1000", "--batch-size", "16", "--attack-steps", "3"]
MLP = ["--architecture", "mlp", "--image", "28,28,1", "--batch-size", "128", "--attack-steps", "40"]

# name, arguments, Temper's precision, whether the peers run in bf16, the ratio of throughputs that is asked for
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


def imports(python, module):
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


def python_with_peers():
    """The interpreter that has PyTorch, and whether it has TensorFlow; installs both the first time."""
    given = os.environ.get("PEER_PYTHON")
    if given:
        return given, imports(given, "tensorflow")
    python = HOME / "bin" / "python"
    if not python.exists():
        venv.create(HOME, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet"]
    if not imports(python, "torch"):
        say("installing PyTorch under .build/peers")
        # The build for processors alone is a tenth of the size; where its index is out of reach, the usual one does.
        small = ["--retries", "0", "--timeout", "15", "--index-url", "https://download.pytorch.org/whl/cpu", "torch"]
        if subprocess.run(pip + small, capture_output=True).returncode != 0:
            say("the index of PyTorch's CPU builds is out of reach: taking the usual build")
            subprocess.run(pip + ["torch"], check=True)
    if not imports(python, "tensorflow"):
        say("installing TensorFlow under .build/peers")
        if subprocess.run(pip + ["tensorflow-cpu"], capture_output=True).returncode != 0:
            say("pip has no TensorFlow for this Python: comparing with PyTorch alone")
    return python, imports(python, "tensorflow")


def has_bf16():
    """Whether the processor computes in bf16; the peers emulate it elsewhere, slower than fp32 by far."""
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


def settings(bf16, with_tensorflow):
    """Each way to run a peer: its name, its script and flags."""
    precision = "bf16" if bf16 else "fp32"
    for compiled, channels_last in itertools.product((False, True), repeat=2):
        words = [f"PyTorch {precision}", "compiled" if compiled else "eager"] + (["channels last"] if channels_last else [])
        flags = ["--bf16"] * bf16 + ["--compile"] * compiled + ["--channels-last"] * channels_last
        yield ", ".join(words), [TORCH] + flags
    if with_tensorflow:
        for xla in (False, True):
            yield f"TensorFlow {precision}, {'XLA' if xla else 'graph'}", [TENSORFLOW] + ["--bf16"] * bf16 + ["--xla"] * xla


def peers(python, arguments, ways):
    """The figures of each setting that works."""
    results = {}
    bounds = ["--threads", THREADS, "--steps", STEPS, "--seconds", LIMIT]
    for name, command in ways.items():
        # A compiler takes its time, and a step that has begun is measured to its end.
        result, fault = measured([python] + command + arguments + bounds, 4 * float(LIMIT) + 300)
        if result:
            results[name] = result
            say(f"  {name}: {result['examples_per_second']:.1f} examples/s, {result['peak_bytes'] / 1e6:.0f} MB")
        else:
            say(f"  {name}: {fault}")
    return results


def compared(name, arguments, precision, wanted, python, ways, results):
    """One row, or None with a word on standard error. The fastest peer runs once more, in turn with Temper, because a shared machine is not
    equally fast at all times."""
    bounds = ["--threads", THREADS, "--steps", STEPS, "--seconds", LIMIT]
    setting = max(results, key=lambda key: results[key]["examples_per_second"]) if results else None
    duels = []
    for _ in range(ROUNDS):
        ours, fault = measured([TEMPER, "bench"] + arguments + ["--precision", precision, "--json"] + bounds, 4 * float(LIMIT) + 300)
        if not ours:
            say(f"  Temper: {fault}")
            return None
        theirs = setting and measured([python] + ways[setting] + arguments + bounds, 4 * float(LIMIT) + 300)[0]
        say(f"  Temper: {ours['examples_per_second']:.1f} examples/s, {ours['peak_bytes'] / 1e6:.0f} MB, "
            f"{100 * ours['ratio']:.0f} % of its ceiling" + (f"; {setting} {theirs['examples_per_second']:.1f} examples/s" if theirs else ""))
        if theirs:
            duels.append((ours["examples_per_second"] / theirs["examples_per_second"], ours, theirs))
    if not duels:
        return None
    ratio, ours, theirs = sorted(duels, key=lambda duel: duel[0])[len(duels) // 2]
    return {
        "work": name, "precision": precision, "temper": ours, "peer_setting": setting, "peer": theirs, "peers": results, "wanted": wanted,
        "ratio": ratio, "ratios": [duel[0] for duel in duels], "memory_ratio": ours["peak_bytes"] / theirs["peak_bytes"],
        "has_tensorflow": any(way.startswith("TensorFlow") for way in ways),
    }


def table(rows):
    lines = ["| work | Temper | the faster peer | its best setting | ratio | asked | ceiling reached | memory, Temper : peer |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        ours, best = row["temper"], row["peer"]
        setting = row["peer_setting"] + ("" if row["has_tensorflow"] else " (no TensorFlow for this Python)")
        lines.append(
            f"| {row['work']} | {ours['examples_per_second']:.1f} /s | {best['examples_per_second']:.1f} /s | {setting} "
            f"| **{row['ratio']:.2f}** | {row['wanted']:.1f} | {100 * ours['ratio']:.0f} % "
            f"| {ours['peak_bytes'] / 1e6:.0f} : {best['peak_bytes'] / 1e6:.0f} MB = {row['memory_ratio']:.2f} |")
    return "\n".join(lines)


def main():
    chosen = [work for work in os.environ.get("WORK", "").split(",") if work]
    works = [work for work in WORKS if not chosen or any(work[0].startswith(name) for name in chosen)]
    if not works:
        sys.exit(f"WORK must name some of {', '.join(work[0] for work in WORKS)}")
    python, with_tensorflow = python_with_peers()
    rows, known = [], {}
    for name, arguments, precision, bf16, wanted in works:
        if precision != "fp32" and not has_bf16():
            say(f"{name}: left out, this processor does not compute in bf16")
            continue
        say(f"{name}: {' '.join(arguments)}, {precision}, {THREADS} threads")
        key = (tuple(arguments), bf16)
        ways = dict(settings(bf16, with_tensorflow))
        if key not in known:
            known[key] = peers(python, arguments, ways)
        row = compared(name, arguments, precision, wanted, python, ways, known[key])
        if row:
            rows.append(row)
    print(table(rows))
    if os.environ.get("JSON"):
        pathlib.Path(os.environ["JSON"]).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
