"""Writes Temper's built-in digits, in Temper's own split, as an NPZ that digits_pgd.py and load_checkpoint.py take.

    python3 -m venv venv && venv/bin/pip install numpy
    venv/bin/python Tests/Peers/digits_npz.py digits.npz
"""

import base64
import pathlib
import sys
import zlib

import numpy as np

SOURCE = pathlib.Path(__file__).parents[2] / "Sources" / "Datasets" / "Digits" / "DigitsBytes.swift"


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    content = np.frombuffer(zlib.decompress(base64.b64decode(SOURCE.read_text().split('"""')[1])), np.uint8)
    count = len(content) // 65
    images = content[:count * 64].reshape(count, 8, 8, 1).astype(np.float32) / np.float32(16)
    labels = content[count * 64:].astype(np.int64)
    # As Sources/Datasets/Digits/NOTICE.md has it: by class, and within a class by the order of the file, every fifth is for testing.
    test = np.zeros(count, bool)
    test[np.argsort(labels, kind="stable")[::5]] = True
    np.savez(sys.argv[1], x_train=images[~test], y_train=labels[~test], x_test=images[test], y_test=labels[test])


if __name__ == "__main__":
    main()
