"""What jobs reach that name a data set, a network and a threat, and nothing about their training.

    python3 Tests/Benchmarks/defaults.py [--temper FILE] [--mnist FILE.npz] [--cifar FILE.npz] [--training JSON] [NAME ...]

Runs each job whose name begins with one of NAME, such as digits/lenet, and prints accuracy clean and under PGD-20 on 300 test images, the
seconds, and what was chosen. The archives hold x_train, y_train, x_test and y_test: 6,000 images of MNIST, 3,000 of CIFAR-10. --training is
put in the place of what would be chosen, to try another choice.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

JOBS = {
    "digits": (0.15, ["linear", "mlp", "lenet", "resnet18", "preact_resnet18", "vit_tiny", "mobilenet_v2"]),
    "mnist": (0.3, ["mlp", "lenet", "madry_cnn"]),
    "cifar": (8 / 255, ["lenet", "preact_resnet18"]),
}


def job(data, network, archive, training):
    model = {"architecture": network}
    if "resnet18" in network:
        model["width"] = 8 if data == "digits" else 16
    dataset = {"id": data} if data == "digits" else {"path": str(archive.resolve()), "format": "npz"}
    spec = {"dataset": dataset, "model": model, "threat": {"norm": "linf", "epsilon": JOBS[data][0]},
            "evaluation": {"attacks": [{"name": "pgd", "steps": 20}], "samples": 300, "curve": [], "evidence": False}}
    return spec | ({"training": training} if training else {})


def run(temper, spec):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "spec.json"
        path.write_text(json.dumps(spec))
        began = time.time()
        done = subprocess.run([temper, "run", path, "--out", folder, "--json"], capture_output=True, text=True)
        if done.returncode not in (0, 3, 6):
            return done.stderr.strip().splitlines()[-1]
        report = json.loads(done.stdout)
    after, training = report["after"], report["spec"]["training"]
    optimizer = training["optimizer"]
    return (f"clean {after['clean_accuracy']['value']:.2f}, PGD-20 {after['attacks'][0]['robust_accuracy']['value']:.2f}, "
            f"{time.time() - began:.0f} s: {training['base_epochs']} + {training['epochs']} epochs of batches of {training['batch_size']}, "
            f"{optimizer['name']} at {optimizer['learning_rate']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--temper", default=".build/release/temper")
    parser.add_argument("--mnist", type=pathlib.Path)
    parser.add_argument("--cifar", type=pathlib.Path)
    parser.add_argument("--training", type=json.loads, default={})
    parser.add_argument("names", nargs="*", default=[""])
    options = parser.parse_args()
    archives = {"digits": pathlib.Path(), "mnist": options.mnist, "cifar": options.cifar}
    for data, (_, networks) in JOBS.items():
        for network in networks:
            name = f"{data}/{network}"
            if archives[data] is not None and name.startswith(tuple(options.names)):
                print(name, run(options.temper, job(data, network, archives[data], options.training)), flush=True)


if __name__ == "__main__":
    main()
