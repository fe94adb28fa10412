"""Holds `temper_load.py` to what Temper itself computes: networks of every kind, as PyTorch modules, against the ONNX that Temper writes.

    python3 -m venv venv && venv/bin/pip install torch torchvision timm safetensors onnxruntime pillow numpy
    venv/bin/python Tests/Peers/client_loader.py --temper .build/release/temper

Each network is evaluated once by a service, its weights downloaded as safetensors and as ONNX, and the logits of both on the same images
compared, in the onnxruntime of this Python and of each that `--runtime` names:

    python3 -m venv old && old/bin/pip install onnxruntime==1.17.3 'numpy<2'        # of April 2024
    venv/bin/python Tests/Peers/client_loader.py --runtime old/bin/python

Preprocessing that an ONNX cannot hold is compared by the clean accuracy of the report. Prints a row for each, and ends with
`N passed, M failed`.
"""

import argparse
import importlib.util
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAYERS = [
    {"type": "conv", "filters": 8, "kernel": 3, "padding": 1}, {"type": "batch_norm"}, {"type": "leaky_relu"},
    {"type": "residual", "layers": [{"type": "conv", "filters": 8, "kernel": 3, "padding": 1, "groups": 2, "bias": False}, {"type": "hard_swish"}]},
    {"type": "max_pool", "size": 2}, {"type": "dropout"}, {"type": "flatten"}, {"type": "linear", "units": 16}, {"type": "gelu"}, {"type": "linear", "units": 10},
]
NORMAL = {"mean": [0.3], "std": [0.4]}
NETWORKS = {
    "linear": {"architecture": "linear"}, "mlp": {"architecture": "mlp"}, "lenet": {"architecture": "lenet"}, "madry_cnn": {"architecture": "madry_cnn"},
    "layers": {"layers": LAYERS, "normalization": NORMAL}, "preact_resnet18": {"architecture": "preact_resnet18", "width": 8, "normalization": NORMAL},
    "wide_resnet": {"architecture": "wide_resnet", "depth": 10, "width": 1}, "resnet18": {"architecture": "resnet18", "width": 8},
    "resnet18, large": {"architecture": "resnet18", "width": 8, "stem": "imagenet"}, "efficientnet_lite0": {"architecture": "efficientnet_lite0"},
    "vit_tiny": {"architecture": "vit_tiny", "depth": 2, "width": 24, "heads": 3},
    "blur and bits": {"architecture": "lenet", "preprocessing": [{"type": "gaussian_blur", "sigma": 1.0}, {"type": "bit_depth", "bits": 3}]},
    "median and jpeg": {"architecture": "lenet", "preprocessing": [{"type": "median"}, {"type": "jpeg", "quality": 60}]},
}


def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    def __init__(self, temper, folder):
        self.url = f"http://127.0.0.1:{port()}"
        self.log = open(folder / "log", "w")
        self.process = subprocess.Popen([temper, "serve", "--listen", self.url[7:], "--data", folder / "data"], stderr=self.log)
        for _ in range(100):
            try:
                self.get("/readyz")
                return
            except OSError:
                time.sleep(0.1)

    def get(self, path, body=None):
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def trained(self, model):
        spec = {"dataset": {"id": "digits", "limit": 300}, "model": model, "threat": {"norm": "linf", "epsilon": 0.05},
                "training": {"method": "standard", "base_epochs": 0, "epochs": 3, "select": "last"},
                "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 360, "curve": []}}
        job = json.loads(self.get("/v1/jobs", spec))["id"]
        while not json.loads(self.get(f"/v1/jobs/{job}?wait=30"))["terminal"]:
            pass
        return job


RUN = "import sys, numpy, onnxruntime; " \
    "numpy.save(sys.argv[3], onnxruntime.InferenceSession(sys.argv[1]).run(None, {'image': numpy.load(sys.argv[2])})[0]); print(onnxruntime.__version__)"


def run_onnx(runtime, network, images, folder):
    """The logits of an ONNX file by the onnxruntime of a Python."""
    np.save(folder / "images.npy", images)
    subprocess.run([runtime, "-c", RUN, network, folder / "images.npy", folder / "logits.npy"], check=True, stdout=subprocess.DEVNULL)
    return np.load(folder / "logits.npy")


def difference(service, loader, job, images, labels, folder, runtimes):
    """What the module differs by, at most, and what it may differ by."""
    weights = folder / "weights.safetensors"
    weights.write_bytes(service.get(f"/v1/jobs/{job}/checkpoints/last"))
    module = loader.load(weights)
    with torch.no_grad():
        logits = module(torch.from_numpy(images)).numpy()
    report = json.loads(service.get(f"/v1/jobs/{job}/report"))
    told = report["after"]["clean_accuracy"]["value"]
    ours = float((logits.argmax(1) == labels).mean())
    if any(step["type"] in ("median", "jpeg") for step in module.preprocessing):
        return abs(told - ours), 0.02
    network = folder / "network.onnx"
    network.write_bytes(service.get(f"/v1/jobs/{job}/checkpoints/last?format=onnx"))
    apart = max(float(np.abs(logits - run_onnx(runtime, network, images, folder)).max()) for runtime in runtimes)
    return apart if abs(told - ours) < 0.006 else 1, 1e-4 * np.abs(logits).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--temper", default=ROOT / ".build/release/temper")
    parser.add_argument("--runtime", action="append", default=[sys.executable], help="a Python with another onnxruntime")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        service = Service(arguments.temper, folder)
        try:
            source = folder / "temper_load.py"
            source.write_bytes(service.get("/client/temper_load.py"))
            given = importlib.util.spec_from_file_location("temper_load", source)
            loader = importlib.util.module_from_spec(given)
            given.loader.exec_module(loader)
            digits = folder / "digits.npz"
            subprocess.run([sys.executable, ROOT / "Tests/Peers/digits_npz.py", digits], check=False)
            arrays = np.load(digits)
            images = arrays["x_test"].astype(np.float32).reshape(-1, 1, 8, 8)
            images = images / 255 if images.max() > 1 else images
            failed = 0
            for title, model in NETWORKS.items():
                found, allowed = difference(service, loader, service.trained(model), images, arrays["y_test"].astype(int), folder,
                                            arguments.runtime)
                failed += found > allowed
                print(f"{title:20} {found:.2e} of {allowed:.2e}{'' if found <= allowed else '  TOO FAR'}", flush=True)
        finally:
            service.process.terminate()
            service.process.wait(30)
    print(f"{len(NETWORKS) - failed} passed, {failed} failed")
    raise SystemExit(failed > 0)


if __name__ == "__main__":
    main()
