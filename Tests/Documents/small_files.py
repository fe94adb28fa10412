"""The files that `docs/networks-and-data.md` uploads, small: MNIST's format, NPZ, pictures in a zip, CIFAR's format and CSV, written without NumPy."""

import gzip
import struct
import zipfile
import zlib


def idx(extents, values):
    return bytes([0, 0, 8, len(extents)]) + b"".join(struct.pack(">I", extent) for extent in extents) + bytes(values)


def npy(descriptor, extents, content):
    header = f"{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({', '.join(map(str, extents))},), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def png(width, height, colour):
    return png_of(width, height, [bytes(colour) * width] * height)


def png_of(width, height, rows):
    """Of rows of red, green and blue."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = b"".join(b"\0" + row for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")


def pictures():
    with zipfile.ZipFile("flowers.zip", "w") as archive:
        for part, count in (("train", 20), ("test", 5)):
            for name, colour in (("rose", (200, 20, 40)), ("violet", (90, 30, 180))):
                for number in range(count):
                    archive.writestr(f"flowers/{part}/{name}/{number}.png", png(24, 20, [min(255, part + number) for part in colour]))


def tables():
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        with open(f"{name}.bin", "wb") as file:
            file.write(b"".join(bytes([i % 10]) + bytes((i * 29 + j) % 256 for j in range(3072)) for i in range(20)))
    for name, count in (("train", 40), ("test", 20)):
        rows = [f"{i % 2},{(i * 7 % 10) / 10},{(i * 3 % 10) / 10}" for i in range(count)]
        with open(f"{name}.csv", "w") as file:
            file.write("\n".join(["label,width,height", *rows]) + "\n")


def main():
    pictures()
    tables()
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
