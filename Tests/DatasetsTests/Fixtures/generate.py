"""Writes the files of this folder, and prints what the tests expect of them: python3 generate.py (needs numpy)."""

import gzip
import hashlib
import pathlib
import struct

import numpy

here = pathlib.Path(__file__).parent
generator = numpy.random.default_rng(7)


def pixels(*shape):
    return generator.integers(0, 256, shape, dtype=numpy.uint8)


def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def parts(images):
    """Six examples to train on, four to test on, of three classes."""
    return {"x_train": images[:6], "x_test": images[6:], "y_train": numpy.array([0, 1, 2, 2, 1, 0]), "y_test": numpy.array([2, 0, 1, 1])}


def tell(name, arrays, scale):
    train = arrays["x_train"].astype("float64") / scale
    print(f"{name}: x_train {arrays['x_train'].shape} sum {train.sum():.6f}, x_train[4].flat[:3] {train[4].flatten()[:3]}")


# Grey images of bytes, stored.
grey = parts(pixels(10, 4, 5))
numpy.savez(here / "grey.npz", **grey)
tell("grey.npz", grey, 255)

# Colour images of float32, compressed, labels of int16; an array besides.
colour = parts((pixels(10, 3, 2, 3) / 255).astype("float32"))
colour["y_train"] = colour["y_train"].astype("int16")
colour["y_test"] = colour["y_test"].astype("uint64")
numpy.savez_compressed(here / "colour.npz", note=numpy.array(["besides"]), **colour)
tell("colour.npz", colour, 1)

# Rows of float64, labels [n, 1].
rows = parts(generator.random((10, 7)))
rows["y_train"] = rows["y_train"].reshape(-1, 1)
numpy.savez(here / "rows.npz", **rows)
tell("rows.npz", rows, 1)

# What is refused.
numpy.savez(here / "objects.npz", **{**grey, "y_train": numpy.array([0, 1, 2, 2, 1, None], dtype=object)})
numpy.savez(here / "big-endian.npz", **{**grey, "y_train": grey["y_train"].astype(">i4")})
numpy.savez(here / "fortran.npz", **{**grey, "x_train": numpy.asfortranarray(grey["x_train"])})
numpy.savez(here / "half.npz", **{**colour, "x_train": colour["x_train"].astype("float16")})
numpy.savez(here / "unscaled.npz", **{**grey, "x_train": grey["x_train"].astype("float32")})
nan = colour["x_train"].copy()
nan[3, 2, 1, 0] = numpy.nan
numpy.savez(here / "nan.npz", **{**colour, "x_train": nan})
numpy.savez(here / "missing.npz", **{key: value for key, value in grey.items() if key != "y_test"})
numpy.savez(here / "records.npz", **{**grey, "y_train": numpy.zeros(6, dtype=[("a", "<i4"), ("b", "<i4")])})

# The images of grey.npz as MNIST's four files, two of them compressed.
names = {"x_train": "train-images-idx3-ubyte", "y_train": "train-labels-idx1-ubyte", "x_test": "t10k-images-idx3-ubyte", "y_test": "t10k-labels-idx1-ubyte"}
folder = here / "idx"
folder.mkdir(exist_ok=True)
digest = hashlib.sha256()
for key in ["x_train", "y_train", "x_test", "y_test"]:
    content = idx(grey[key].astype("uint8"))
    if key.startswith("x"):
        content = gzip.compress(content, mtime=0)
    (folder / (names[key] + (".gz" if key.startswith("x") else ""))).write_bytes(content)
    digest.update(content)
print("idx sha256", digest.hexdigest())

# A gzip file of several members, and its content.
content = idx(pixels(50, 28, 28))
cut = [0, 5, 17, 20_000, len(content)]
(here / "members.gz").write_bytes(b"".join(gzip.compress(content[a:b], mtime=0) for a, b in zip(cut, cut[1:])))
print("members sha256", hashlib.sha256(content).hexdigest())

# A MiB of zeros, to make large files of.
(here / "zeros.gz").write_bytes(gzip.compress(bytes(1 << 20), mtime=0))
