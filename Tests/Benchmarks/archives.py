"""Data sets as NPZ archives, written without NumPy: the header of an array (NumPy's format 1.0), then its bytes."""
import array
import random
import zipfile

HEIGHT = WIDTH = 28
PIXELS = HEIGHT * WIDTH
CLASSES = 10
# Pixels of which every image is a stretch: random numbers for each pixel would take longer than the upload.
POOL = 1 << 18


def header(kind, shape):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    # Magic, version, length: 10 bytes; the data begins at a multiple of 64.
    text += " " * (-(10 + len(text) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def images(pool, width, count, seed):
    """The bytes of `count` images, each of `width` bytes a value, in pieces."""
    chance, last = random.Random(seed), len(pool) // width - PIXELS
    for _ in range(0, count, 100):
        starts = [chance.randrange(last) * width for _ in range(100)]
        yield b"".join(pool[start : start + PIXELS * width] for start in starts)


def write(path, kind, width, train, test, pieces, compressed):
    """Both counts are multiples of a hundred."""
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for part, count in (("train", train), ("test", test)):
            with archive.open(f"x_{part}.npy", "w", force_zip64=True) as file:
                file.write(header(kind, (count, HEIGHT, WIDTH)))
                for piece in pieces(count):
                    file.write(piece)
            labels = bytes(number % CLASSES for number in range(count))
            archive.writestr(f"y_{part}.npy", header("|u1", (count,)) + labels)


def float_images(path, train, test):
    chance = random.Random(1)
    pool = array.array("f", (chance.random() for _ in range(POOL))).tobytes()
    write(path, "<f4", 4, train, test, lambda count: images(pool, 4, count, count), compressed=False)


def byte_images(path, train, test):
    pool = random.Random(2).randbytes(POOL)
    write(path, "|u1", 1, train, test, lambda count: images(pool, 1, count, count), compressed=True)


def zeros(path, train, test):
    """An archive that unpacks to a thousand times its size."""
    piece = bytes(100 * PIXELS)
    write(path, "|u1", 1, train, test, lambda count: (piece for _ in range(count // 100)), compressed=True)
