"""What is sent to a service under test: data sets and job specs, made by hand."""
import io
import random
import struct
import zipfile


def npy(shape, content):
    """An array of bytes in NumPy's format."""
    text = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s,), }" % ", ".join(map(str, shape))
    header = text.encode() + b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def npz(seed, train=400, test=100, side=8, classes=4):
    """A data set that is easy to learn: a class is the quadrant (or column of quadrants) that is brighter than the rest."""
    source = random.Random(seed)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        labels = bytes(index % classes for index in range(count))
        arrays[f"x_{part}"] = npy((count, side, side), b"".join(quadrant(source, label, side) for label in labels))
        arrays[f"y_{part}"] = npy((count,), labels)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(zipfile.ZipInfo(name + ".npy"), content)
    return buffer.getvalue()


def quadrant(source, label, side):
    image = bytearray(64 + value % 52 for value in source.randbytes(side * side))
    half = side // 2
    for row in range(label // 2 * half, label // 2 * half + half):
        for column in range(label % 2 * half, label % 2 * half + half):
            image[row * side + column] += 64
    return bytes(image)


def spec(name="faults", architecture="lenet", method="pgd", base_epochs=1, epochs=4, dataset="digits", limit=400, seed=1, **more):
    """A job spec; `dataset` and `architecture` may be whole sections, `more` goes over the sections."""
    training = {"method": method, "base_epochs": base_epochs, "epochs": epochs, "batch_size": 32, "optimizer": {"learning_rate": 0.02}}
    if method == "pgd":
        training["attack"] = {"name": "pgd", "steps": 5}
    dataset = dataset if isinstance(dataset, dict) else {"id": dataset}
    architecture = architecture if isinstance(architecture, dict) else {"architecture": architecture}
    made = {
        "name": name, "dataset": {"limit": limit, **dataset}, "model": architecture,
        "threat": {"norm": "linf", "epsilon": 0.15}, "training": training,
        "evaluation": {"attacks": [{"name": "fgsm"}, {"name": "pgd", "steps": 10}], "samples": 100, "curve": [0, 0.1]}, "seed": seed}
    for key, value in more.items():
        made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made
