"""Writes DigitsBytes.swift from scikit-learn's copy of the data: python3 generate.py (needs numpy and scikit-learn)."""

import base64
import pathlib
import zlib

import numpy
from sklearn.datasets import load_digits

digits = load_digits()
content = digits.images.astype(numpy.uint8).tobytes() + digits.target.astype(numpy.uint8).tobytes()
text = base64.b64encode(zlib.compress(content, 9)).decode()
lines = [text[start : start + 136] for start in range(0, len(text), 136)]
source = "// Written by generate.py: the 1,797 × 64 pixels and the 1,797 labels of the digits, a byte each, zlib, base64. See NOTICE.md.\n"
source += 'let digitsPacked = """\n' + "\n".join("  " + line for line in lines) + '\n  """\n'
pathlib.Path(__file__).with_name("DigitsBytes.swift").write_text(source)
