"""Pictures of three shapes in folders, for who wants to try pictures of their own: small_pictures.py FOLDER makes train/CLASS and test/CLASS."""

import pathlib
import random
import sys

from small_files import png_of

SIDE = 16


def inside(shape, x, y, size):
    """Whether a point lies on a shape around 0 that reaches `size` far."""
    if shape == "disc":
        return x * x + y * y <= size * size
    if shape == "cross":
        return max(abs(x), abs(y)) <= size and min(abs(x), abs(y)) <= size / 4
    return max(abs(x), abs(y)) <= size and max(abs(x), abs(y)) > size * 0.6


def picture(shape, draw):
    """One in any place, size and colours, on a noisy ground."""
    size = draw.uniform(4, 6)
    middle = [draw.uniform(size, SIDE - 1 - size) for _ in range(2)]
    ink, ground = [draw.randint(150, 255) for _ in range(3)], [draw.randint(0, 90) for _ in range(3)]
    rows = []
    for y in range(SIDE):
        row = bytearray()
        for x in range(SIDE):
            colour = ink if inside(shape, x - middle[0], y - middle[1], size) else ground
            row += bytes(min(255, max(0, part + draw.randint(-12, 12))) for part in colour)
        rows.append(bytes(row))
    return png_of(SIDE, SIDE, rows)


def main():
    draw = random.Random(7)
    for part, count in (("train", 150), ("test", 60)):
        for shape in ("cross", "disc", "frame"):
            folder = pathlib.Path(sys.argv[1]) / part / shape
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                (folder / f"{number}.png").write_bytes(picture(shape, draw))


if __name__ == "__main__":
    main()
