"""The networks that `autoattack_compare.py` attacks, trained on MNIST by `temper run` where they are not there yet."""

import pathlib
import shutil
import tempfile

from safetensors import safe_open
from safetensors.torch import save_file

import temper_job

THREAT = {"norm": "linf", "epsilon": 0.3}
TRAINING = {
    "standard": {"method": "standard", "base_epochs": 0, "epochs": 3, "optimizer": {"name": "adam", "learning_rate": 0.002}},
    # Fast-AT (Wong et al. 2020) in half of its epochs. By a cosine from 0.002 the single step overfits at once, and PGD leaves nothing.
    "fgsm": {"method": "fgsm", "base_epochs": 0, "epochs": 5, "batch_size": 100, "attack": {"name": "fgsm", "random_start": True},
             "optimizer": {"name": "adam", "learning_rate": 0.005}, "schedule": {"name": "cyclic", "peak": 0.4}},
    # From random weights, PGD at 0.3 learns nothing. The published table is of 12 epochs, and 10 more from 0.0015 on.
    "pgd": {"method": "pgd", "base_epochs": 1, "epochs": 22, "optimizer": {"name": "adam", "learning_rate": 0.002},
            "attack": {"name": "pgd", "steps": 5, "step_size": 0.1}},
    # As config/recipes/mnist-pgd.json, in fewer epochs.
    "madry": {"method": "pgd", "base_epochs": 1, "epochs": 4, "batch_size": 64, "attack": {"name": "pgd", "steps": 3, "step_size": 0.15}},
}
# `masked` is `pgd` with its last layer times 1,000: the softmax saturates, and the gradient of the cross-entropy vanishes in most images.
NAMES = ["standard", "fgsm", "pgd", "masked", "madry"]
MASKING = 1000
# Where the radius of the table's norm would leave a network nothing or everything.
EPSILON = {"linf": 0.3, "l2": 1.5, "l1": 10.0}
OWN_EPSILON = {}


def epsilon(network, norm):
    return OWN_EPSILON.get((network, norm), EPSILON[norm])


def checkpoint(name, binary, data, out, threads):
    """The path of the network's weights."""
    path = pathlib.Path(out) / "networks" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return path
    if name == "masked":
        mask(checkpoint("pgd", binary, data, out, threads), path)
        return path
    with tempfile.TemporaryDirectory() as folder:
        model = {"architecture": "madry_cnn"} if name == "madry" else None
        shutil.move(temper_job.trained(binary, name, data, THREAT, folder, threads, model, TRAINING[name]), path)
    return path


def mask(source, path):
    """Writes the weights of `source` with those of the last layer times MASKING."""
    with safe_open(source, framework="pt") as file:
        weights, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()
    last = max({name.split(".")[0] for name in weights}, key=int)
    for name in weights:
        if name.split(".")[0] == last:
            weights[name] = weights[name] * MASKING
    save_file(weights, path, metadata=metadata)
