"""Jobs of `temper run`, for scripts that hold Temper's attacks against others; README.md says how to set up Python for them."""

import json
import pathlib
import subprocess

import numpy as np
from safetensors import safe_open

CONVOLUTION = {"type": "conv", "kernel": 4, "stride": 2, "padding": 1}
# The small network of Fast-AT (Wong et al. 2020).
SMALL = [CONVOLUTION | {"filters": 16}, {"type": "relu"}, CONVOLUTION | {"filters": 32}, {"type": "relu"},
         {"type": "flatten"}, {"type": "linear", "units": 100}, {"type": "relu"}, {"type": "linear", "units": 10}]
TRAINING = {
    "standard": {"method": "standard", "base_epochs": 0, "epochs": 2},
    # From random weights neither of these learns anything at 0.3.
    "fgsm": {"method": "fgsm", "base_epochs": 1, "epochs": 4, "attack": {"name": "fgsm", "random_start": True}},
    "pgd": {"method": "pgd", "base_epochs": 1, "epochs": 5, "attack": {"name": "pgd", "steps": 10}},
}


def report(binary, spec, out, threads):
    """The report of a job; a verdict other than `pass` is no failure here."""
    path = pathlib.Path(out) / "spec.json"
    path.write_text(json.dumps(spec))
    done = subprocess.run([binary, "run", path, "--out", out, "--overwrite", "--threads", str(threads), "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 3, 6):
        raise SystemExit(done.stderr)
    return json.loads((pathlib.Path(out) / "report.json").read_text())


def trained(binary, method, data, threat, out, threads, model=None, training=None):
    """The checkpoint of a network, small unless `model` says otherwise, trained on MNIST by `method` or as `training` says."""
    base = {"batch_size": 128, "select": "last", "optimizer": {"name": "adam", "learning_rate": 0.001}, "schedule": {"name": "cosine"}}
    spec = {"dataset": {"path": str(data.resolve()), "format": "idx"}, "model": model or {"layers": SMALL}, "threat": threat,
            "training": base | (training or TRAINING[method]),
            "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 100, "curve": []}}
    report(binary, spec, out, threads)
    return pathlib.Path(out) / "checkpoints" / "last.safetensors"


def attacked(binary, checkpoint, images, labels, threat, attacks, out, threads):
    """What the report says of each attack on `images` (channels first)."""
    arrays = {"x_test": images.permute(0, 2, 3, 1).numpy(), "y_test": labels.numpy()}
    arrays |= {"x_train": arrays["x_test"][:10], "y_train": np.arange(10)}
    data = pathlib.Path(out) / "images.npz"
    np.savez(data, **arrays)
    with safe_open(checkpoint, framework="pt") as file:
        architecture = json.loads(file.metadata()["temper.architecture"])
    spec = {"kind": "evaluate", "dataset": {"path": str(data.resolve()), "format": "npz"}, "threat": threat,
            "model": architecture | {"init": str(pathlib.Path(checkpoint).resolve())},
            "evaluation": {"attacks": attacks, "samples": len(images), "curve": []}}
    return report(binary, spec, out, threads)["after"]["attacks"]
