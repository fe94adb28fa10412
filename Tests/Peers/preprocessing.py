"""What SciPy, NumPy and Pillow make of two images: the fixture of PreprocessingReferenceTests.swift.

    python3 -m venv venv && venv/bin/pip install numpy scipy pillow
    venv/bin/python Tests/Peers/preprocessing.py Tests/TensorEngineTests/Fixtures/preprocessing.json

The images are smooth, with some texture, and their sides are no multiples of 8; pixels are of 8 bits, channels last. Results of the median
and of JPEG are of 8 bits too, those of the bit depth and of the blur are of pixels in [0, 1].
"""

import argparse
import io
import json

import numpy as np
import scipy.ndimage
from PIL import Image


def image(height, width, channels, seed):
    random = np.random.default_rng(seed)
    texture = random.normal(0, 60, (height, width, channels))
    smooth = scipy.ndimage.gaussian_filter(texture, (1.5, 1.5, 0), mode="wrap")
    rows, columns = np.mgrid[0:height, 0:width]
    ramp = 127 + 90 * np.sin(rows / 5)[..., None] * np.cos(columns / 7 + np.arange(channels)[:, None, None]).transpose(1, 2, 0)
    return np.clip(np.rint(ramp + 2 * smooth + 0.15 * texture), 0, 255).astype(np.uint8)


def bit_depth(image, bits):
    steps = np.float32(2**bits - 1)
    return np.rint(image * steps) / steps


def median(image, size=3):
    return scipy.ndimage.median_filter(image, (size, size, 1), mode="reflect")


def gaussian_blur(image, sigma, size=None):
    radius = int(4 * sigma + 0.5) if size is None else size // 2
    return scipy.ndimage.gaussian_filter(image, (sigma, sigma, 0), mode="reflect", radius=(radius, radius, 0))


def jpeg(image, quality=75):
    """Compressed and decompressed by libjpeg, without subsampling."""
    pixels = np.rint(image * 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(stream, "jpeg", quality=quality, subsampling=0)
    return unit(np.asarray(Image.open(stream)).reshape(pixels.shape))


def unit(pixels):
    return pixels.astype(np.float32) / np.float32(255)


KINDS = {"bit_depth": bit_depth, "median": median, "gaussian_blur": gaussian_blur, "jpeg": jpeg}


def preprocess(images, steps):
    """Images [n, height, width, channels] in [0, 1] after what a checkpoint's `temper.preprocessing` lists."""
    for step in steps:
        settings = dict(step)
        kind = settings.pop("type")
        if kind not in KINDS:
            raise SystemExit(f"{kind} is drawn anew for each image, or unknown: not here")
        images = np.stack([KINDS[kind](image, **settings) for image in images])
    return images


def numbers(values, whole=False):
    return [int(v) if whole else float(f"{v:.9g}") for v in values.ravel()]


def cases(image):
    """The window of the last blur is narrower than four deviations, that of the one before reaches over the image's edges more than once."""
    settings = (
        [{"type": "bit_depth", "bits": bits} for bits in (1, 3, 8)]
        + [{"type": "median", "size": size} for size in (3, 5)]
        + [{"type": "gaussian_blur", "sigma": sigma} for sigma in (0.5, 1.5, 9.0)]
        + [{"type": "gaussian_blur", "sigma": 2.0, "size": 5}]
        + [{"type": "jpeg", "quality": quality} for quality in (1, 25, 50, 75, 95, 100)]
    )
    for setting in settings:
        result = preprocess(image[None], [setting])[0]
        is_of_8_bits = setting["type"] in ("median", "jpeg")
        yield setting | {"result": numbers(np.rint(result * 255), whole=True) if is_of_8_bits else numbers(result)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    images = [image(20, 13, 3, seed=1), image(19, 26, 1, seed=2)]
    fixture = [
        {"shape": list(pixels.shape), "pixels": numbers(pixels, whole=True), "cases": list(cases(unit(pixels)))} for pixels in images
    ]
    with open(parser.parse_args().out, "w") as file:
        json.dump(fixture, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
