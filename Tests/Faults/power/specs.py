"""What the workload uploads and submits."""

import io
import json
import random
import struct
import zipfile

import inputs

SIDE, CLASSES = 8, 4


def dataset(seed, train=300, test=60):
    """An uncompressed npz. A class is the quarter of an image that is brighter; a fifth of the labels are wrong, so that no job learns it
    all and ends before its time."""
    generator = random.Random(seed)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for part, count in (("train", train), ("test", test)):
            labels = bytes(index % CLASSES for index in range(count))
            images = b"".join(
                _image(label if generator.random() < 0.8 else generator.randrange(CLASSES), generator) for label in labels)
            archive.writestr(f"x_{part}.npy", inputs.npy((count, SIDE, SIDE), images))
            archive.writestr(f"y_{part}.npy", inputs.npy((count,), labels))
    return out.getvalue()


def _image(quarter, generator):
    quarter_bytes = SIDE * SIDE // CLASSES
    return bytes(
        generator.randrange(100, 220) if index // quarter_bytes == quarter else generator.randrange(40, 160)
        for index in range(SIDE * SIDE))


def model(seed):
    """Weights of the architecture `linear` on these images, as safetensors."""
    generator = random.Random(seed)
    tensors = {"1.weight": [CLASSES, SIDE * SIDE], "1.bias": [CLASSES]}
    header, contents = {}, b""
    for name, shape in tensors.items():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = struct.pack(f"<{count}f", *(generator.gauss(0, 0.05) for _ in range(count)))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(contents), len(contents) + len(values)]}
        contents += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + contents


def train(name, data, epochs, model=None):
    """A job of some milliseconds an epoch."""
    return {
        **_common(name, data, model), "training": {
            "method": "pgd", "base_epochs": 2, "epochs": epochs, "batch_size": 50, "attack": {"name": "pgd", "steps": 5}}}


def evaluate(name, data, model):
    return {**_common(name, data, model), "kind": "evaluate"}


def _common(name, data, model):
    return {
        "name": name, "dataset": {"id": data}, "model": {"architecture": "linear", "init": model},
        "threat": {"norm": "linf", "epsilon": 0.1}, "evaluation": {"samples": 20, "curve": [0, 0.1]},
        "gates": [{"metric": "clean_accuracy", "min": 0.5}]}
