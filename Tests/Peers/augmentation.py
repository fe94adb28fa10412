"""Reference values for augmentations: Tests/DatasetsTests/Fixtures/augmentation.json.

    venv/bin/python Tests/Peers/augmentation.py

What NumPy makes of one image of 5 × 6 pixels and two channels, for each place that a draw may name: torchvision's RandomCrop(size, padding) and
RandomHorizontalFlip, and the mask of DeVries and Taylor's cutout (github.com/uoguelph-mlrg/Cutout).
"""

import json
import pathlib

import numpy as np

HEIGHT, WIDTH, CHANNELS, PADDING = 5, 6, 2, 2
image = (1 + np.arange(HEIGHT * WIDTH * CHANNELS)).reshape(HEIGHT, WIDTH, CHANNELS)
bordered = np.pad(image, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)))


def cut(top, left):
    return bordered[top:top + HEIGHT, left:left + WIDTH]


def blanked(row, column, size):
    mask = np.ones((HEIGHT, WIDTH, 1), image.dtype)
    y1, y2 = (np.clip(row + sign * (size // 2), 0, HEIGHT) for sign in (-1, 1))
    x1, x2 = (np.clip(column + sign * (size // 2), 0, WIDTH) for sign in (-1, 1))
    mask[y1:y2, x1:x2] = 0
    return image * mask


document = {
    "image": image.flatten().tolist(), "mirrored": image[:, ::-1].flatten().tolist(),
    "cuts": [
        {"at": [top, left], "values": cut(top, left).flatten().tolist()}
        for top in range(2 * PADDING + 1) for left in range(2 * PADDING + 1)],
    "blanked": [
        {"at": [row, column], "size": size, "values": blanked(row, column, size).flatten().tolist()}
        for row in range(HEIGHT) for column in range(WIDTH) for size in (2, 4)],
}
folder = pathlib.Path(__file__).parent.parent / "DatasetsTests" / "Fixtures"
(folder / "augmentation.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
