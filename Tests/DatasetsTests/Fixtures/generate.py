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
numpy.savez(here / "complex.npz", **{**grey, "x_train": grey["x_train"].astype("complex64")})
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


def of_images(convert):
    return {key: convert(value) if key[0] == "x" else value for key, value in grey.items()}


def of_labels(convert):
    return {key: convert(value) if key[0] == "y" else value for key, value in grey.items()}


# The data of grey.npz, saved in every other way that is read.
names = numpy.array(["cat", "dog", "éléphant"])
variants = {
    **{kind: of_images(lambda x, kind=kind: x.astype(kind)) for kind in ("int16", "int32", "int64", "uint16", "uint32", "uint64", ">i2", ">u4", ">i8")},
    **{kind: of_images(lambda x, kind=kind: (x / 255).astype(kind)) for kind in ("float16", "float32", "float64", ">f4", ">f8")},
    **{f"scaled-{kind}": of_images(lambda x, kind=kind: x.astype(kind)) for kind in ("float32", "float64")},
    "fortran": of_images(numpy.asfortranarray), "fortran-floats": of_images(lambda x: numpy.asfortranarray(x / 255)),
    "one-channel": of_images(lambda x: x[..., None]), "channel-first": of_images(lambda x: x[:, None]),
    **{f"labels-{kind.strip('>')}": of_labels(lambda y, kind=kind: y.astype(kind)) for kind in ("int8", ">i4", "float32", ">f8")},
    "labels-one-hot": of_labels(lambda y: numpy.eye(3)[y]), "labels-one-hot-bool": of_labels(lambda y: numpy.eye(3, dtype=bool)[y]),
    "labels-one-hot-fortran": of_labels(lambda y: numpy.asfortranarray(numpy.eye(3, dtype="int8")[y])),
    "labels-column": of_labels(lambda y: y[:, None].astype("float32")),
    "names": of_labels(lambda y: names[y]), "names-big-endian": of_labels(lambda y: names[y].astype(">U8")),
    "medmnist": {"train_images": grey["x_train"], "val_images": grey["x_test"], "test_images": grey["x_test"],
                 "train_labels": grey["y_train"][:, None], "val_labels": grey["y_test"][:, None], "test_labels": grey["y_test"][:, None]},
}
folder = here / "variants"
folder.mkdir(exist_ok=True)
for name, arrays in variants.items():
    numpy.savez_compressed(folder / f"{name.replace('>', 'big-endian-')}.npz", **arrays)
numpy.savez_compressed(folder / "positional.npz", grey["x_train"], grey["y_train"], grey["x_test"], grey["y_test"])

# Colour images both ways round, and what looks like a mistake.
both = parts(pixels(10, 5, 6, 3))
numpy.savez_compressed(here / "channels-last.npz", **both)
numpy.savez_compressed(here / "channels-first.npz", **{key: value.transpose(0, 3, 1, 2) if key[0] == "x" else value for key, value in both.items()})
numpy.savez_compressed(here / "dark.npz", **of_images(lambda x: (x > 127).astype("uint8")))
numpy.savez_compressed(here / "gap.npz", **of_labels(lambda y: numpy.where(y == 1, 2, y)))
numpy.savez_compressed(here / "overshoot.npz", **of_images(lambda x: numpy.where(x == x.max(), 1 + 5e-6, numpy.where(x == x.min(), -5e-6, x / 255))))
