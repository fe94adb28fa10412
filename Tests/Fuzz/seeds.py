"""Small files that each reader takes, for the fuzzer to begin with: seeds.py FOLDER."""

import base64
import io
import json
import pathlib
import pickle
import struct
import sys
import tarfile
import zipfile

TESTS = pathlib.Path(__file__).resolve().parents[1]
FIXTURES = TESTS / "DatasetsTests/Fixtures"
FOLDER = pathlib.Path(sys.argv[1])


def write(reader, name, data):
    folder = FOLDER / reader
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


for number, network in enumerate(json.loads((TESTS / "ModelsTests/Fixtures/onnx.json").read_text())):
    write("onnx", str(number), base64.b64decode(network["file"]))
for path in FIXTURES.rglob("*.npz"):
    write("npz", path.name, path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        for entry in archive.namelist():
            # The first byte says whether it is read as images or as labels.
            write("npy", f"{path.stem}-{entry}", (b"0" if "y_" in entry or "label" in entry else b"1") + archive.read(entry))

pictures = [path for path in (FIXTURES / "pictures").iterdir() if path.suffix in (".jpg", ".png", ".webp") and path.stat().st_size < 8_000]
for path in pictures:
    write("exif", path.name, path.read_bytes())
for path in pictures:
    entries = {f"train/{name}/a{path.suffix}": path.read_bytes() for name in "ab"} | {f"test/a/b{path.suffix}": path.read_bytes()}
    stored, packed = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive, tarfile.open(fileobj=packed, mode="w:gz" if "grey" in path.name else "w") as tar:
        for name, data in entries.items():
            archive.writestr(name, data)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    write("archive", path.name + ".zip", stored.getvalue())
    write("archive", path.name + ".tar", packed.getvalue())

write("csv", "numbers", b"a,b,label\n0,0.5,0\n1,0.25,1\n")
write("csv", "names", b'label,"a ""1""",b\r\ncat,255,0\r\ndog,1,2\r\n')
write("cifar", "binary", bytes([0]) + bytes(3072) + bytes([1]) + bytes([255] * 3072))
for protocol in range(2, 5):
    write("cifar", f"pickle-{protocol}", pickle.dumps({b"labels": [0, 1], b"data": bytes(6144), b"filenames": [b"a", b"b"]}, protocol))
write("idx", "images", struct.pack(">IIII", 0x0803, 2, 1, 1) + bytes([0, 255]))
write("idx", "labels", struct.pack(">II", 0x0801, 2) + bytes([0, 1]))

for metadata in ({}, {"format": "pt"}):
    header = {"a.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "a.bias": {"dtype": "BF16", "shape": [2], "data_offsets": [16, 20]}}
    text = json.dumps({"__metadata__": metadata} | header).encode()
    write("safetensors", str(len(metadata)), struct.pack("<Q", len(text)) + text + bytes(20))
