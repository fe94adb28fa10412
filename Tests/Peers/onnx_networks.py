"""Networks of timm and torchvision through ONNX: what PyTorch makes of them, and what Temper does, as a table.

    python3 -m venv venv && venv/bin/pip install torch torchvision timm onnx onnxruntime onnxscript numpy pillow
    venv/bin/python Tests/Peers/onnx_networks.py --temper .build/release/temper [NAME …]

Each network has random weights, and batch norm the statistics of the images; it labels the images itself, so that its clean accuracy is 100 %.
Both exporters of PyTorch write it. Then, of the uploaded file, the distances in parts of PyTorch's largest value:

- logits: of the log-probabilities that `temper attack --server` tells of one picture
- gradient: of the direction of the input gradient, which is what one FGSM step in L2 adds to an image, from PyTorch's in double precision: the
  median of the images, and how many are within 1e-4, by Temper and by PyTorch in single precision. A gradient jumps where an activation has its
  bend, and rounding alone takes some images of a network of ReLUs over one, in either
- FGSM: how many images stay right in L∞, by Temper and by PyTorch
- trained: after a step of training, log-probabilities of the re-exported file in onnxruntime (of this Python, or of the one that `--runtime` names),
  from those that Temper itself tells, and whether onnxruntime has Temper's clean accuracy

Prints a row for each, as Markdown, and ends with `N passed, M failed`.
"""

import argparse
import copy
import io
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request

import numpy as np
import timm
import torch
import torchvision
from client_loader import Service, run_onnx
from PIL import Image

CLASSES = 5
TIMM = ["mobilenetv2_100", "mobilenetv3_small_100", "resnet18", "resnet50", "efficientnet_lite0", "efficientnet_b0", "densenet121", "convnext_atto",
        "vit_tiny_patch16_224", "deit_tiny_patch16_224", "regnety_004"]
TORCHVISION = ["mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1", "vgg11_bn", "regnet_y_400mf"]
EXPORTERS = ("torchscript", "dynamo")
# Its classifier takes 7×7 places, which are there at 224 alone.
LARGE = {"vgg11_bn": (224, 6)}
USUAL = (48, 12)


def network(name):
    torch.manual_seed(0)
    if name in TORCHVISION:
        return torchvision.models.get_model(name, weights=None, num_classes=CLASSES)
    size = {"img_size": USUAL[0]} if "patch16" in name else {}
    return timm.create_model(name, pretrained=False, num_classes=CLASSES, **size)


def exported(module, images, exporter, path):
    names = {"input_names": ["image"], "output_names": ["logits"], "verbose": False}
    if exporter == "dynamo":
        torch.onnx.export(module, (images,), path, dynamic_shapes=({0: torch.export.Dim("n")},), dynamo=True, external_data=False, **names)
    else:
        torch.onnx.export(module, (images,), path, dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}}, opset_version=17, dynamo=False, **names)


def made(name):
    """The network, its pictures of 8 bits and its own labels for them."""
    size, count = LARGE.get(name, USUAL)
    # Colours with noise, away from black and white, so that no step meets the ends.
    random = np.random.default_rng(1)
    pictures = (random.integers(80, 176, (count, 2, 2, 3)).repeat(size // 2, 1).repeat(size // 2, 2) + random.integers(-16, 17, (count, size, size, 3))).astype(np.uint8)
    images = torch.tensor(pictures / 255.0, dtype=torch.float32).permute(0, 3, 1, 2).contiguous()
    module = network(name).train()
    with torch.no_grad():
        for _ in range(3):
            module(images)
        module.eval()
        labels = module(images).argmax(1)
    return module, pictures, images, labels


def fgsm(module, images, labels):
    """Of several epsilons the one that leaves most nearly half standing, and how many it leaves."""
    gradient = input_gradient(module, images, labels)
    found = {}
    with torch.no_grad():
        for epsilon in [2.0 ** (-k / 4) for k in range(12, 72)]:
            found[epsilon] = int((module((images + epsilon * gradient.sign()).clamp(0, 1)).argmax(1) == labels).sum())
    best = min(found, key=lambda epsilon: abs(found[epsilon] - len(labels) / 2))
    return best, found[best]


def input_gradient(module, images, labels):
    variable = images.clone().requires_grad_(True)
    gradient, = torch.autograd.grad(torch.nn.functional.cross_entropy(module(variable), labels), variable)
    return gradient


def directions(gradient):
    return (gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)).permute(0, 2, 3, 1).double().numpy()


def distances(found, reference):
    """Of each image, in parts of the largest value of the reference."""
    largest = lambda array: np.abs(array).reshape(len(array), -1).max(1)
    return largest(found - reference) / largest(reference)


def gradients(module, images, labels):
    """The directions in double precision, and how far PyTorch's own are from them."""
    exact = directions(input_gradient(copy.deepcopy(module).double(), images.double(), labels))
    return exact, distances(directions(input_gradient(module, images, labels)), exact)


def log_probabilities(logits):
    logits = np.asarray(logits, np.float64)
    return logits - np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1, keepdims=True)) - logits.max(-1, keepdims=True)


class Judge:
    def __init__(self, service, temper, folder, runtime):
        self.service, self.temper, self.folder, self.runtime = service, temper, folder, runtime

    def post(self, path, data, kind="application/octet-stream"):
        request = urllib.request.Request(self.service.url + path, data, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.loads(error.read())) from None

    def done(self, spec):
        job = self.post("/v1/jobs", json.dumps(spec).encode(), "application/json")["id"]
        while True:
            state = json.loads(self.service.get(f"/v1/jobs/{job}?wait=30"))
            if state["terminal"]:
                break
        if state["state"] != "succeeded":
            raise RuntimeError(state.get("error") or state)
        return job, state

    def told(self, picture, model):
        """The log-probabilities of a picture by `temper attack --server`."""
        done = subprocess.run([self.temper, "attack", picture, "--server", self.service.url, "--model", model, "--out", self.folder / "out.png",
                               "--steps", "1", "--json"], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        guesses = {guess["label"]: guess["probability"] for guess in json.loads(done.stdout)["before"]}
        return np.log([guesses[label] for label in range(CLASSES)])


def row(judge, name, exporter):
    module, pictures, images, labels = made(name)
    epsilon, standing = fgsm(module, images, labels)
    exact, own = gradients(module, images, labels)
    with torch.no_grad():
        wanted = log_probabilities(module(images).numpy())
    path, folder = judge.folder / "net.onnx", judge.folder
    exported(module, images[:2], exporter, path)
    model = judge.post("/v1/models?name=net&format=onnx", path.read_bytes())["id"]
    Image.fromarray(pictures[0]).save(folder / "0.png")
    distance = lambda found, reference: float(np.abs(found - reference).max() / np.abs(reference).max())
    logits = distance(judge.told(folder / "0.png", model), wanted[0])

    buffer = io.BytesIO()
    np.savez(buffer, x_train=pictures, y_train=np.arange(len(pictures)) % CLASSES, x_test=pictures, y_test=labels.numpy())
    data = judge.post("/v1/datasets?name=net&format=npz", buffer.getvalue())["id"]
    base = {"dataset": {"id": data}, "model": {"init": model}}
    job, _ = judge.done(base | {"kind": "evaluate", "threat": {"norm": "linf", "epsilon": epsilon},
                                "evaluation": {"attacks": [{"name": "fgsm"}], "samples": len(pictures), "curve": []}})
    report = json.loads(judge.service.get(f"/v1/jobs/{job}/report"))["after"]
    clean, ours = report["clean_accuracy"]["correct"], report["attacks"][0]["robust_accuracy"]["correct"]

    spread = 0.25
    job, _ = judge.done(base | {"kind": "generate", "threat": {"norm": "l2", "epsilon": spread},
                                    "generation": {"attack": {"name": "fgsm"}, "part": "test"}})
    evidence = judge.service.get(f"/v1/jobs/{job}/evidence")
    with tarfile.open(fileobj=io.BytesIO(evidence)) as tar:
        member = next(m for m in tar.getmembers() if m.name.endswith("dataset.npz"))
        moved = np.load(io.BytesIO(tar.extractfile(member).read()))["x_test"]
    step = (moved.astype(np.float64) - images.permute(0, 2, 3, 1).numpy()) / spread
    apart = distances(step, exact)
    gradient, near, theirs = float(np.median(apart)), int((apart < 1e-4).sum()), int((own < 1e-4).sum())

    trained = base | {"training": {"method": "standard", "base_epochs": 0, "epochs": 1, "batch_size": 64, "select": "last",
                                   "optimizer": {"name": "sgd", "learning_rate": 0.001}},
                      "threat": {"norm": "linf", "epsilon": epsilon},
                      "evaluation": {"attacks": [{"name": "fgsm"}], "samples": len(pictures), "curve": []}}
    trained["dataset"] = trained["dataset"] | {"validation_fraction": 0}
    job, _ = judge.done(trained)
    back = folder / "back.onnx"
    back.write_bytes(judge.service.get(f"/v1/jobs/{job}/checkpoints/last?format=onnx"))
    again = log_probabilities(run_onnx(judge.runtime, back, images.numpy(), folder))
    (folder / "last.safetensors").write_bytes(judge.service.get(f"/v1/jobs/{job}/checkpoints/last"))
    after = distance(judge.told(folder / "0.png", folder / "last.safetensors"), again[0])
    right = json.loads(judge.service.get(f"/v1/jobs/{job}/report"))["after"]["clean_accuracy"]["correct"]
    same = right == int((again.argmax(1) == labels.numpy()).sum()) and float(np.abs(again - wanted).max()) > 0
    # Where rounding takes PyTorch's own median over a bend too, Temper's is held against that.
    passed = max(logits, after) < 1e-4 and gradient < max(1e-4, float(np.median(own))) and near >= theirs - 2 and clean == len(pictures) and ours == standing and same
    print(f"| {name} | {exporter} | {logits:.1e} | {gradient:.1e}; {near}, {theirs} of {len(apart)} | {ours}, {standing} of {len(pictures)} | {after:.1e}{'' if same else ', another accuracy'} |"
          f"{'' if passed else ' FAILED'}", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--temper", default=pathlib.Path(__file__).resolve().parents[2] / ".build/release/temper")
    parser.add_argument("--exporter", choices=EXPORTERS, help="by default both")
    parser.add_argument("--runtime", default=sys.executable, help="a Python with another onnxruntime")
    parser.add_argument("names", nargs="*", default=TIMM + TORCHVISION)
    arguments = parser.parse_args()
    passed = failed = 0
    print("| network | exporter | logits | gradient: median; Temper, PyTorch within 1e-4 | FGSM: Temper, PyTorch | trained and exported |\n| --- | --- | --- | --- | --- | --- |")
    for name in arguments.names:
        for exporter in [arguments.exporter] if arguments.exporter else EXPORTERS:
            with tempfile.TemporaryDirectory() as folder:
                folder = pathlib.Path(folder)
                service = Service(arguments.temper, folder)
                try:
                    good = row(Judge(service, arguments.temper, folder, arguments.runtime), name, exporter)
                except Exception as error:
                    good = False
                    print(f"| {name} | {exporter} | {repr(error)[:600]} FAILED", flush=True)
                finally:
                    service.process.terminate()
                    service.process.wait(30)
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    raise SystemExit(failed > 0)


if __name__ == "__main__":
    main()
