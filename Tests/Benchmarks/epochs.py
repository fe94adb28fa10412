"""Whether more epochs make a job worse that leaves the rest of its training open: each method for 5, 20 and 60 epochs.

    python3 Tests/Benchmarks/epochs.py [--temper FILE] [--epochs 5,20,60] [--threads N] [METHOD ...]

`lenet` on the digits at L∞ 0.1, seed 0: accuracy clean and under PGD-20 of the 360 test images. Exits with 1 where a longer run ends below a
shorter one, clean or under attack, by more than the half widths of both 95 % intervals together.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

METHODS = ["standard", "fgsm", "nfgsm", "pgd", "free", "trades", "mart", "alp", "awp", "gradalign", "input_gradient", "ibp", "mtl_ibp"]


def measured(temper, method, epochs, threads):
    """Accuracy clean and under attack, with the interval's ends, and the codes of the warnings."""
    spec = {"dataset": {"id": "digits"}, "model": {"architecture": "lenet"}, "threat": {"norm": "linf", "epsilon": 0.1},
            "training": {"method": method, "epochs": epochs}, "resources": {"threads": threads},
            "evaluation": {"attacks": [{"name": "pgd", "steps": 20}], "samples": 1000, "curve": [], "evidence": False}}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spec.json"
        path.write_text(json.dumps(spec))
        done = subprocess.run([temper, "run", path, "--out", folder, "--json"], capture_output=True, text=True)
        if done.returncode not in (0, 3, 6):
            sys.exit(f"{method}: {done.stderr.strip()[-300:]}")
        report = json.loads(done.stdout)
    return report["after"]["clean_accuracy"], report["after"]["worst_case"], [warning["code"] for warning in report["warnings"]]


def half(proportion):
    return (proportion["interval"]["high"] - proportion["interval"]["low"]) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--epochs", type=lambda text: [int(part) for part in text.split(",")], default=[5, 20, 60])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("methods", nargs="*", default=METHODS)
    options = parser.parse_args()
    print("| method | " + " | ".join(f"{epochs} epochs: clean, PGD-20 %" for epochs in options.epochs) + " | warnings of the longest |")
    print("| --- |" + " --- |" * (len(options.epochs) + 1), flush=True)
    worse = []
    for method in options.methods:
        runs = [measured(options.temper, method, epochs, options.threads) for epochs in options.epochs]
        cells = [f"{100 * clean['value']:.1f}, {100 * robust['value']:.1f}" for clean, robust, _ in runs]
        print(f"| {method} | " + " | ".join(cells) + f" | {', '.join(runs[-1][2])} |", flush=True)
        for shorter, longer in zip(runs, runs[1:]):
            if any(long["value"] < short["value"] - half(long) - half(short) for short, long in zip(shorter[:2], longer[:2])):
                worse.append(method)
    if worse:
        sys.exit(f"worse with more epochs: {', '.join(worse)}")


if __name__ == "__main__":
    main()
