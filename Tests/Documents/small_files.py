"""The files that `docs/networks-and-data.md` uploads, small: four in MNIST's format, and an NPZ, written without NumPy."""

import gzip
import struct
import zipfile


def idx(extents, values):
    return bytes([0, 0, 8, len(extents)]) + b"".join(struct.pack(">I", extent) for extent in extents) + bytes(values)


def npy(descriptor, extents, content):
    header = f"{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({', '.join(map(str, extents))},), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def main():
    for part, count in (("train", 40), ("t10k", 20)):
        images = idx([count, 8, 8], [(i * 37 + i // 64 * 11) % 256 for i in range(count * 64)])
        for name, content in ((f"{part}-images-idx3-ubyte.gz", images), (f"{part}-labels-idx1-ubyte.gz", idx([count], [i % 2 for i in range(count)]))):
            with open(name, "wb") as file:
                file.write(gzip.compress(content))
    with zipfile.ZipFile("mine.npz", "w") as archive:
        for part, count in (("train", 40), ("test", 20)):
            archive.writestr(f"x_{part}.npy", npy("|u1", [count, 8, 8], bytes((i * 31 + i // 64 * 7) % 256 for i in range(count * 64))))
            archive.writestr(f"y_{part}.npy", npy("|u1", [count], bytes(i % 2 for i in range(count))))


if __name__ == "__main__":
    main()
