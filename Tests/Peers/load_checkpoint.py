"""Loads a Temper checkpoint into PyTorch with load_state_dict(strict=True) and evaluates it.

    python3 -m venv venv && venv/bin/pip install torch numpy safetensors
    venv/bin/python Tests/Peers/load_checkpoint.py last.safetensors --data mnist/ [--split test] [--limit 1000] [--logits out.npy]

--data is an NPZ (x_train, y_train, x_test, y_test) or a folder with MNIST's IDX files, gzip or not. What the checkpoint says is done to
images before the network sees them needs SciPy and Pillow too. Without it, only the loading is
checked. Prints JSON: the weights' names and shapes, and the clean accuracy. --logits keeps the logits of the images for comparison.
"""

import argparse
import gzip
import json
import pathlib

import numpy as np
import torch

from temper_network import accuracy, channels_first, load

torch.set_num_threads(1)


def idx(path):
    """An IDX file of unsigned bytes: zero, zero, type 8, rank, the extents as big-endian 32-bit numbers, the values."""
    content = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
    if content[:3] != b"\0\0\x08":
        raise SystemExit(f"{path} is no IDX file of unsigned bytes")
    rank = content[3]
    shape = np.frombuffer(content, ">u4", rank, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(tuple(int(n) for n in shape))


def dataset(path, split, steps=()):
    """Images in [0, 1] after these steps of preprocessing, in PyTorch's order, or rows; and labels."""
    path = pathlib.Path(path)
    if path.is_dir():
        stem = "train" if split == "train" else "t10k"
        images, labels = (
            idx(next(path.glob(f"{stem}-{part}*"))) for part in ("images", "labels"))
    else:
        arrays = np.load(path)
        images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / np.float32(255)
    if images.ndim == 3:
        images = images[..., None]
    if steps:
        from preprocessing import preprocess

        images = preprocess(images.astype(np.float32), steps)
    return channels_first(images.astype(np.float32)), torch.as_tensor(labels.astype(np.int64))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("--data")
    parser.add_argument("--split", default="test", choices=["train", "test"])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--logits")
    arguments = parser.parse_args()

    model, metadata = load(arguments.checkpoint)
    result = {
        "weights": {name: list(weight.shape) for name, weight in model.state_dict().items()},
        "architecture": json.loads(metadata["temper.architecture"]),
    }
    if arguments.data:
        images, labels = dataset(arguments.data, arguments.split, json.loads(metadata.get("temper.preprocessing", "[]")))
        images, labels = images[:arguments.limit], labels[:arguments.limit]
        result |= {"images": len(images), "clean_accuracy": accuracy(model, images, labels)}
        if arguments.logits:
            with torch.no_grad():
                np.save(arguments.logits, torch.cat([model(part) for part in images.split(500)]).numpy())
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
